# Compiler and linker settings of every target: one interface library, `dalgona_flags`.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# No -fPIC or -fPIE of our own: the compiler makes position-independent executables by default, and libraries and programs must agree on
# it to share the precompiled header.
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
option(DALGONA_PCH "Precompile the heavy third-party headers" ON)
# A room's files are compiled some at a time as one: most of a compilation is headers and templates that all of them share. Off in the presets
# `dev` and `lint`, where each file must stand by itself; see docs/decisions/0004-files-are-compiled-together.md.
option(DALGONA_UNITY "Compile the files of a room several at a time" ON)
option(DALGONA_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(DALGONA_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")

# -g1 keeps function names and lines for back traces at a third of the size; -O2 with asserts on: an assert is never reachable by input.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

find_program(DALGONA_CCACHE ccache)
if(DALGONA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${DALGONA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${DALGONA_CCACHE})
endif()

add_library(dalgona_flags INTERFACE)
target_compile_options(dalgona_flags INTERFACE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside Asio, Beast and libstdc++ when they are inlined at -O2; see docs/traps.md.
  target_compile_options(dalgona_flags INTERFACE -fcoroutines -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-dangling-pointer -Wno-mismatched-new-delete -Wno-tsan -fpch-preprocess)
endif()
if(DALGONA_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A .cc that is included looks like a header whose types have members of unnamed namespaces; each is included once, so nothing can differ.
  target_compile_options(dalgona_flags INTERFACE -Wno-subobject-linkage)
endif()
target_compile_definitions(dalgona_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
# simdjson asserts at every step that values are asked for in order, unless NDEBUG is set; the other presets and all fuzzing keep that.
target_compile_definitions(dalgona_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:SIMDJSON_DEVELOPMENT_CHECKS=0>)
target_include_directories(dalgona_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(DALGONA_SANITIZE)
  set(DALGONA_SANITIZE_OPTIONS -fsanitize=${DALGONA_SANITIZE} -fno-sanitize-recover=all -DDALGONA_SANITIZED=1)
  if(DALGONA_SANITIZE MATCHES "thread")
    # protobuf's maps have another layout where this macro is defined, and its library was built without (docs/traps.md).
    list(APPEND DALGONA_SANITIZE_OPTIONS -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
  target_compile_options(dalgona_flags INTERFACE ${DALGONA_SANITIZE_OPTIONS})
  target_link_options(dalgona_flags INTERFACE -fsanitize=${DALGONA_SANITIZE})
  # clang 14 can't place the function sanitizer's marks before the parts that it cuts a coroutine into ("Cannot represent a difference across sections").
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND DALGONA_SANITIZE MATCHES "undefined")
    target_compile_options(dalgona_flags INTERFACE -fno-sanitize=function)
  endif()
endif()
if(DALGONA_FUZZ)
  # Everything is instrumented for coverage, or libFuzzer sees no more than the target's own few lines.
  target_compile_options(dalgona_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(DALGONA_MOLD mold)
if(DALGONA_MOLD AND NOT DALGONA_FUZZ)
  target_link_options(dalgona_flags INTERFACE -fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url iostreams)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(ICU 72 REQUIRED COMPONENTS uc i18n data)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
# Debian's Python and no other: its Jinja is what models are compiled with, and a pyenv in PATH would be found first.
set(Python3_EXECUTABLE /usr/bin/python3.11)
set(Python3_INCLUDE_DIR /usr/include/python3.11)
set(Python3_LIBRARY /usr/lib/x86_64-linux-gnu/libpython3.11.so)
find_package(Python3 3.11 EXACT REQUIRED COMPONENTS Interpreter Development.Module Development.Embed)
find_package(pybind11 REQUIRED)
pkg_check_modules(RABBITMQ REQUIRED IMPORTED_TARGET librabbitmq)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)

# These carry compile definitions; all targets must have the same ones to share the precompiled header, so they come with the flags.
target_link_libraries(dalgona_flags INTERFACE Boost::json Boost::url Boost::iostreams spdlog::spdlog fmt::fmt simdjson::simdjson Threads::Threads)
target_link_options(dalgona_flags INTERFACE -Wl,--as-needed)

# Tests are compiled for speed of compilation: what they measure lies in the libraries.
add_library(dalgona_test_flags INTERFACE)
target_compile_options(dalgona_test_flags INTERFACE -O0)
target_link_libraries(dalgona_test_flags INTERFACE GTest::gmock)
