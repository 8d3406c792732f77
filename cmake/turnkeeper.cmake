# One target for each folder. A target's headers are reachable only through the targets that link it: each gets an include
# root of its own in the build tree (a symlink to the folder), so an include of a folder that is not linked does not build.
#   lib/turn/uri.hpp          -> #include "turnkeeper/turn/uri.hpp"       after linking turnkeeper::turn
#   monitor/verdict/judge.hpp -> #include "monitor/verdict/judge.hpp"     after linking turnkeeper::monitor_verdict

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)

option(TURNKEEPER_STATIC_AGENT "Link turnkeeper-agent statically, so that it runs in any coturn image" ON)
set(TURNKEEPER_SANITIZE "" CACHE STRING "Comma-separated list for -fsanitize=, such as address,undefined")

find_program(CCACHE ccache)
if(CCACHE)
  # base_dir and hash_dir: a clone in another directory hits the same cache; the sloppiness is what ccache asks for with PCH.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

add_library(turnkeeper_flags INTERFACE)
target_compile_options(turnkeeper_flags INTERFACE -Wall -Wextra -Werror -fno-omit-frame-pointer
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers>
  # GCC 12 reports these inside std::string and Boost at -O2 (GCC bugs 105329, 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds>
  # ... and takes the allocator of Asio 1.74's coroutine frames for a mistake when sanitizers stop its inlining.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:CXX>>:-Wno-mismatched-new-delete>)
if(TURNKEEPER_SANITIZE)
  target_compile_options(turnkeeper_flags INTERFACE -fsanitize=${TURNKEEPER_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(turnkeeper_flags INTERFACE -fsanitize=${TURNKEEPER_SANITIZE})
  # Asio's fences: GCC warns that ThreadSanitizer does not see them.
  target_compile_options(turnkeeper_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()

# turnkeeper_library(NAME [SOURCES ...] [LINKS ...] [PRIVATE_LINKS ...] [PCH <header> ...])
# The current folder becomes target turnkeeper_NAME, alias turnkeeper::NAME. No SOURCES: header only.
function(turnkeeper_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS;PCH" ${ARGN})
  set(target turnkeeper_${name})
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "^lib/" "turnkeeper/" include_path ${folder})
  set(root ${CMAKE_BINARY_DIR}/include/${name})
  cmake_path(GET include_path PARENT_PATH parent)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${include_path} SYMBOLIC)
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${root}>)
    target_link_libraries(${target} PUBLIC ${ARG_LINKS} PRIVATE $<BUILD_INTERFACE:turnkeeper_flags> ${ARG_PRIVATE_LINKS})
    if(ARG_PCH)
      target_precompile_headers(${target} PRIVATE ${ARG_PCH})
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${root})
    target_link_libraries(${target} INTERFACE ${ARG_LINKS})
  endif()
  add_library(turnkeeper::${name} ALIAS ${target})
endfunction()

# turnkeeper_embed(VARIABLE NAMESPACE FILE...): sources that hold those files, for `extern const std::string_view page_html;`
# of page.html in that namespace.
function(turnkeeper_embed variable namespace)
  set(sources)
  foreach(file ${ARGN})
    cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE input)
    cmake_path(GET file FILENAME name)
    string(MAKE_C_IDENTIFIER ${name} symbol)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
    add_custom_command(
      OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${source} -DSYMBOL=${symbol} -DNAMESPACE=${namespace}
              -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
      DEPENDS ${input} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    list(APPEND sources ${source})
  endforeach()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()

# turnkeeper_program(NAME SOURCES ... LINKS ... [PCH ...]): an installed binary.
function(turnkeeper_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PCH" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE turnkeeper_flags ${ARG_LINKS})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
    TURNKEEPER_STATIC_GRPC ${TURNKEEPER_STATIC_GRPC})
  install(TARGETS ${name} RUNTIME)
endfunction()

set(timeout_factor 1)
if(TURNKEEPER_SANITIZE)
  set(timeout_factor 5)  # ThreadSanitizer makes the simulations many times as slow
  set(suppressions ${CMAKE_SOURCE_DIR}/tests/support/sanitizers)
  # Reports go to files, which scripts/test.sh counts: nobody reads the stderr of a server that a test started and stopped.
  # UBSan's cannot, beside ASan; it ends the process at once, which a test sees.
  set(reports log_path=${CMAKE_BINARY_DIR}/sanitizer-reports/report)
  set(sanitizer_environment
    "ASAN_OPTIONS=${reports}"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp"
    "TSAN_OPTIONS=${reports}:suppressions=${suppressions}/tsan.supp:history_size=7")
endif()

# turnkeeper_test(TIER NAME SOURCES ... LINKS ... [TIMEOUT seconds]): one GoogleTest program, one ctest entry TIER.NAME
# labelled with its tier, so that `ctest -L unit` runs the tier.
function(turnkeeper_test tier name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS" ${ARGN})
  set(target test_${tier}_${name})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE turnkeeper_flags ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE TURNKEEPER_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    TURNKEEPER_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * ${timeout_factor}")
  add_test(NAME ${tier}.${name} COMMAND ${target} --gtest_brief=1)
  set_tests_properties(${tier}.${name} PROPERTIES LABELS ${tier} TIMEOUT ${ARG_TIMEOUT})
  set_tests_properties(${tier}.${name} PROPERTIES ENVIRONMENT "${sanitizer_environment}")
  turnkeeper_schedule(${tier} ${name})
endfunction()

# Tiers other than unit run one program at a time: they measure times, and two of them on two cores disturb each other.
function(turnkeeper_schedule tier name)
  if(NOT tier MATCHES "^(unit|lint)$")
    set_tests_properties(${tier}.${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# turnkeeper_pytest(TIER NAME PATH [TIMEOUT seconds]): a folder or file of pytest tests as one ctest entry.
function(turnkeeper_pytest tier name path)
  cmake_parse_arguments(ARG "" "TIMEOUT" "" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * ${timeout_factor}")
  add_test(NAME ${tier}.${name} COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider ${path})
  set_tests_properties(${tier}.${name} PROPERTIES LABELS ${tier} TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "TURNKEEPER_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/support;PYTHONDONTWRITEBYTECODE=1;${sanitizer_environment}")
  turnkeeper_schedule(${tier} ${name})
endfunction()
