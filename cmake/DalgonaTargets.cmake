# One folder of src/ is one static library `dalgona_NAME`; x_test.cc files in it make the unit-test program `NAME_test`.
# Adding a file to a folder needs no change here.

# The precompiled header is compiled once, in this library, and shared by all with the same flags.
if(DALGONA_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
  add_library(dalgona_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
  target_link_libraries(dalgona_pch PRIVATE dalgona_flags)
  target_precompile_headers(dalgona_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)
endif()

function(dalgona_settle TARGET)
  target_link_libraries(${TARGET} PUBLIC dalgona_flags)
  if(DALGONA_PCH)
    target_precompile_headers(${TARGET} REUSE_FROM dalgona_pch)
  endif()
endfunction()

# dalgona_library(NAME LINKS target...): src/NAME/**/*.cc; the links are public.
function(dalgona_library NAME)
  cmake_parse_arguments(ARG "" "" "LINKS;TEST_LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  if(sources)
    add_library(dalgona_${NAME} STATIC ${sources})
    dalgona_settle(dalgona_${NAME})
    target_link_libraries(dalgona_${NAME} PUBLIC ${ARG_LINKS})
  else()
    add_library(dalgona_${NAME} INTERFACE)
    target_link_libraries(dalgona_${NAME} INTERFACE ${ARG_LINKS})
  endif()
  if(tests AND NOT DALGONA_FUZZ)
    dalgona_test(${NAME}_test SOURCES ${tests} LINKS dalgona_${NAME} ${ARG_TEST_LINKS} LABELS unit TIMEOUT 120)
  endif()
endfunction()

# dalgona_test(NAME SOURCES file... LINKS target... LABELS label TIMEOUT seconds): a GoogleTest program, one ctest entry.
function(dalgona_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  dalgona_settle(${NAME})
  target_link_libraries(${NAME} PRIVATE ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  set_property(TEST ${NAME} PROPERTY ENVIRONMENT "DALGONA_SOURCE=${CMAKE_SOURCE_DIR}" "DALGONA_BUILD=${CMAKE_BINARY_DIR}")
endfunction()
