# stream_library(NAME FOLDER [EXCEPT FILE …] [DEPS …]): FOLDER/*.cc, less the files named, becomes the
# static library stream_NAME.
function(stream_library name folder)
  cmake_parse_arguments(arg "" "" "EXCEPT;DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  foreach(file ${arg_EXCEPT})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${folder}/${file})
  endforeach()
  add_library(stream_${name} STATIC ${sources})
  target_link_libraries(stream_${name} PUBLIC stream_flags ${arg_DEPS})
endfunction()

# stream_hot(NAME …): libraries whose code runs once a row.
function(stream_hot)
  foreach(name ${ARGN})
    target_compile_options(stream_${name} PRIVATE $<$<CONFIG:Release>:-O3>)
  endforeach()
endfunction()

# stream_cold(PATTERN …): sources that run when something starts, or once a checkpoint. Half the size
# keeps them out of the way of the others.
function(stream_cold)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
endfunction()

# stream_shared(NAME LIBRARY …): the objects of these libraries become the shared library libNAME. Every
# program links with it, so that what they share is once on disk and once in memory.
function(stream_shared name)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:stream_\\1>" OUTPUT_VARIABLE objects)
  list(TRANSFORM ARGN PREPEND stream_ OUTPUT_VARIABLE libraries)
  add_library(lib${name} SHARED ${objects})
  # $ORIGIN: what it loads on demand lies beside it.
  set_target_properties(lib${name} PROPERTIES PREFIX "" SOVERSION ${PROJECT_VERSION}
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH $ORIGIN LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${STREAM_LIBDIR})
  foreach(library ${libraries})
    get_target_property(needed ${library} LINK_LIBRARIES)
    list(FILTER needed EXCLUDE REGEX ^stream_)
    target_link_libraries(lib${name} PRIVATE ${needed})
  endforeach()
  target_link_libraries(lib${name} PUBLIC stream_flags)
  if(STREAM_SANITIZE)  # the names of a sanitizer come from the program, and are the same everywhere
    return()
  endif()
  # Only our own names leave it, and inside they are bound when it is linked, not at each start.
  set(names ${CMAKE_SOURCE_DIR}/cmake/exported.map)
  target_link_options(lib${name} PRIVATE -Wl,--version-script=${names},-Bsymbolic,-z,defs,-z,pack-relative-relocs)
  set_target_properties(lib${name} PROPERTIES LINK_DEPENDS ${names})
endfunction()

# stream_find_library(PROGRAM): it finds the shared library where it is, relative to itself, built or
# installed, wherever the whole is moved to.
function(stream_find_library program)
  file(RELATIVE_PATH folder /${CMAKE_INSTALL_BINDIR} /${STREAM_LIBDIR})
  set_target_properties(${program} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH $ORIGIN/${folder})
endfunction()

# stream_boost_test(KIND NAME [SUPPORT …] [DEPS …]): tests/KIND/NAME/*_test.cc becomes one Boost.Test
# program, with label KIND. SUPPORT: sources in tests/support it needs.
function(stream_boost_test kind name)
  cmake_parse_arguments(arg "" "" "SUPPORT;DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${kind}/${name}/*_test.cc)
  set_property(GLOBAL APPEND PROPERTY STREAM_TEST_FILES ${sources})
  set(program test-${kind}-${name})
  if(kind STREQUAL "unit")
    set(program test-${name})
  endif()
  list(TRANSFORM arg_SUPPORT PREPEND ${CMAKE_SOURCE_DIR}/tests/support/)
  add_executable(${program} ${CMAKE_SOURCE_DIR}/tests/support/main.cc ${arg_SUPPORT} ${sources})
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${program} PRIVATE BOOST_TEST_DYN_LINK STREAM_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${program} PRIVATE ${arg_DEPS} boost_unit_test_framework)
  set(seconds 120)
  if(STREAM_SANITIZE)
    set(seconds 600)
  endif()
  add_test(NAME ${kind}-${name} COMMAND ${program} --log_level=test_suite --report_level=short)
  set_tests_properties(${kind}-${name} PROPERTIES TIMEOUT ${seconds} LABELS ${kind})
endfunction()

# Tests of one area's logic.
function(stream_unit_test name)
  stream_boost_test(unit ${name} ${ARGN})
endfunction()

# Tests that fail the nth operation below the code under test, for every n.
function(stream_fault_test name)
  stream_boost_test(fault ${name} ${ARGN})
endfunction()

# stream_bench(NAME [DEPS …]): tests/bench/NAME_bench.cc becomes bench-NAME; not built by default.
function(stream_bench name)
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  add_executable(bench-${name} EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/${name}_bench.cc)
  set_target_properties(bench-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(bench-${name} PRIVATE ${arg_DEPS} benchmark Threads::Threads)
endfunction()

# stream_bench_stage(NAME): tests/bench/stages/NAME.cc becomes the stage tests/stages/stream-NAME, which
# only measures: part of the target bench-tools, not installed.
function(stream_bench_stage name)
  add_executable(stream-${name} EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/stages/${name}.cc)
  set_target_properties(stream-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/stages)
  target_link_libraries(stream-${name} PRIVATE libstream)
  add_dependencies(bench-tools stream-${name})
endfunction()

# stream_fuzz(NAME [SUPPORT FILE …] [DEPS …]): tests/fuzz/NAME_fuzz.cc, an LLVMFuzzerTestOneInput,
# becomes fuzz-NAME; not built by default. Clang gives it libFuzzer; any other compiler a main() that
# runs files, or mutations of them.
function(stream_fuzz name)
  cmake_parse_arguments(arg "" "" "SUPPORT;DEPS" ${ARGN})
  list(TRANSFORM arg_SUPPORT PREPEND ${CMAKE_SOURCE_DIR}/)
  set(sources ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cc ${arg_SUPPORT})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(driver -fsanitize=fuzzer)
  else()
    list(APPEND sources ${CMAKE_SOURCE_DIR}/tests/fuzz/run_file.cc)
  endif()
  add_executable(fuzz-${name} EXCLUDE_FROM_ALL ${sources})
  set_target_properties(fuzz-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(fuzz-${name} PRIVATE ${arg_DEPS})
  target_link_options(fuzz-${name} PRIVATE ${driver})
  set_property(GLOBAL APPEND PROPERTY STREAM_FUZZERS fuzz-${name})
endfunction()

# A test file that no target builds stops the configure step.
function(stream_refuse_unregistered_tests)
  file(GLOB_RECURSE written CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*_test.cc)
  get_property(registered GLOBAL PROPERTY STREAM_TEST_FILES)
  if(registered)
    list(REMOVE_ITEM written ${registered})
  endif()
  if(written)
    message(FATAL_ERROR "test files that no target builds: ${written}")
  endif()
endfunction()

# stream_stage(NAME): stages/NAME/*.cc becomes bin/stream-NAME, which needs libstream. What is in a
# library stream_NAME, for tests, is not compiled again.
function(stream_stage name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/stages/${name}/*.cc)
  string(REPLACE - _ library stream_${name})
  if(TARGET ${library})
    get_target_property(compiled ${library} SOURCES)
    list(REMOVE_ITEM sources ${compiled})
    list(APPEND sources $<TARGET_OBJECTS:${library}>)
  endif()
  add_executable(stream-${name} ${sources})
  target_link_libraries(stream-${name} PRIVATE libstream)
  stream_find_library(stream-${name})
endfunction()

# stream_stages_link(WHAT NAME …): what only these stages need.
function(stream_stages_link what)
  foreach(stage ${ARGN})
    target_link_libraries(stream-${stage} PRIVATE ${what})
  endforeach()
endfunction()

# stream_oracle_test(NAME [DEPS …]): tests/oracle/NAME_oracle_test.cc compares with another program
# and skips where that is not installed.
function(stream_oracle_test name)
  cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
  set(source ${CMAKE_SOURCE_DIR}/tests/oracle/${name}_oracle_test.cc)
  set_property(GLOBAL APPEND PROPERTY STREAM_TEST_FILES ${source})
  add_executable(oracle-${name} ${source})
  set_target_properties(oracle-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(oracle-${name} PRIVATE ${arg_DEPS})
  add_test(NAME oracle-${name} COMMAND oracle-${name} 1)
  set_tests_properties(oracle-${name} PROPERTIES LABELS oracle TIMEOUT 300)
endfunction()

# stream_script_test(NAME FILE): a Python test that gets the folder of the programs.
function(stream_script_test name file)
  add_test(NAME ${name} COMMAND python3 ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
  set_tests_properties(${name} PROPERTIES TIMEOUT 400 LABELS system)
endfunction()

# stream_install_package(): what a stage in another tree is built with, see cmake/streamConfig.cmake.in.
function(stream_install_package)
  include(CMakePackageConfigHelpers)
  set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/stream)
  set(STREAM_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR}/stream)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/streamConfig.cmake.in ${CMAKE_BINARY_DIR}/streamConfig.cmake
    INSTALL_DESTINATION ${folder} PATH_VARS STREAM_INCLUDEDIR STREAM_LIBDIR)
  # The kit's classes may change with every version, as does the name of the library.
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/streamConfigVersion.cmake COMPATIBILITY ExactVersion)
  install(FILES ${CMAKE_BINARY_DIR}/streamConfig.cmake ${CMAKE_BINARY_DIR}/streamConfigVersion.cmake DESTINATION ${folder})
  foreach(headers transport snapshot stages/kit stages/expression stages/format)
    install(DIRECTORY ${headers}/ DESTINATION ${STREAM_INCLUDEDIR}/${headers} FILES_MATCHING PATTERN "*.h")
  endforeach()
endfunction()
