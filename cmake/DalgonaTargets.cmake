# One folder of src/ is one static library `dalgona_NAME`; x_test.cc files in it make the unit-test program `NAME_test`.
# Adding a file to a folder needs no change here.

# Files in one unit of compilation, when they are compiled together: many enough that what they share pays, few enough that a change to one of
# them is compiled and linked within half a minute.
set(DALGONA_UNITY_BATCH 6)
set(DALGONA_UNITY_TEST_BATCH 5)

# The precompiled header is compiled once, in this library, and shared by all with the same flags. Tests have one of their own, with GoogleTest.
function(dalgona_precompiled NAME HEADER)
  file(WRITE ${CMAKE_BINARY_DIR}/${NAME}.cc "")
  add_library(${NAME} OBJECT ${CMAKE_BINARY_DIR}/${NAME}.cc)
  target_link_libraries(${NAME} PRIVATE dalgona_flags ${ARGN})
  target_precompile_headers(${NAME} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${HEADER})
endfunction()
if(DALGONA_PCH)
  dalgona_precompiled(dalgona_pch pch.h)
  if(NOT DALGONA_FUZZ)
    dalgona_precompiled(dalgona_test_pch test_pch.h dalgona_test_flags)
  endif()
endif()

function(dalgona_settle TARGET)
  cmake_parse_arguments(ARG "TEST" "" "" ${ARGN})
  target_link_libraries(${TARGET} PUBLIC dalgona_flags)
  set(pch dalgona_pch)
  set(batch ${DALGONA_UNITY_BATCH})
  if(ARG_TEST)
    target_link_libraries(${TARGET} PRIVATE dalgona_test_flags)
    set(pch dalgona_test_pch)
    set(batch ${DALGONA_UNITY_TEST_BATCH})
  endif()
  if(DALGONA_PCH)
    target_precompile_headers(${TARGET} REUSE_FROM ${pch})
  endif()
  if(DALGONA_UNITY)
    set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE BATCH UNITY_BUILD_BATCH_SIZE ${batch})
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
  dalgona_settle(${NAME} TEST)
  target_link_libraries(${NAME} PRIVATE ${ARG_LINKS} GTest::gtest_main)
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # Under the thread sanitizer the follower tests' arithmetic takes ten times as long.
  if(DALGONA_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 10")
  endif()
  set_tests_properties(${NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  set_property(TEST ${NAME} PROPERTY ENVIRONMENT "DALGONA_SOURCE=${CMAKE_SOURCE_DIR}" "DALGONA_BUILD=${CMAKE_BINARY_DIR}")
  # The roles that a test starts have its environment, and so the same lists of what is not ours.
  set_property(TEST ${NAME} APPEND PROPERTY ENVIRONMENT "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/lsan.supp:print_suppressions=0"
    "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/tsan.supp")
endfunction()
