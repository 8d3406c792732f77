# Builds the fuzzers with clang and runs each for a moment; beside what it finds, that keeps them building. What they come
# across is kept in the build tree and is where the next run starts. The seed is fixed, so that a clean clone always does
# the same: to look for something new is done by hand, for longer (CMakeLists.txt). Not in a sanitizer build: they bring
# their own.
if(TURNKEEPER_SANITIZE)
  return()
endif()
set(fuzzers ${CMAKE_BINARY_DIR}/fuzz)
add_test(NAME unit.fuzzers COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${CMAKE_CURRENT_LIST_DIR} ${fuzzers}
  --build-noclean --build-generator Ninja --build-options -DCMAKE_CXX_COMPILER=clang++)
set_tests_properties(unit.fuzzers PROPERTIES LABELS unit TIMEOUT 600 PROCESSORS 2 FIXTURES_SETUP fuzzers)
set(runs 50000)
foreach(name channel_data client credential_apis form http_request message provider_answer report service_records stream_framer token uri watch_event)
  file(MAKE_DIRECTORY ${fuzzers}/corpus/${name})
  add_test(NAME unit.fuzz_${name} COMMAND ${fuzzers}/${name}_fuzzer -seed=1 -runs=${runs} -max_len=2048 -timeout=10
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix=${fuzzers}/
    ${fuzzers}/corpus/${name} ${CMAKE_CURRENT_LIST_DIR}/seeds/${name})
  set_tests_properties(unit.fuzz_${name} PROPERTIES LABELS unit TIMEOUT 120 FIXTURES_REQUIRED fuzzers)
endforeach()
