# turnkeeper::grpc: gRPC, Protobuf and Abseil. Our programs hold them: of sixty shared libraries a process has far more pages
# in memory than it uses, 4.7 MiB of an idle operator's 24. Tests link the shared ones, which takes a tenth of the time;
# so does what is built with sanitizers, whose suppressions name them.
find_package(gRPC CONFIG REQUIRED)
find_package(Protobuf REQUIRED)

option(TURNKEEPER_STATIC_GRPC "Link gRPC and Protobuf statically into the programs" ON)
add_library(turnkeeper_grpc INTERFACE)
add_library(turnkeeper::grpc ALIAS turnkeeper_grpc)
set(in_program $<BOOL:$<TARGET_PROPERTY:TURNKEEPER_STATIC_GRPC>>)
if(TURNKEEPER_STATIC_GRPC)
  set(archives)
  foreach(library grpc++_reflection grpc++ grpc gpr upb address_sorting protobuf re2)
    find_library(${library}_ARCHIVE lib${library}.a REQUIRED)
    list(APPEND archives ${${library}_ARCHIVE})
  endforeach()
  cmake_path(GET grpc_ARCHIVE PARENT_PATH folder)
  file(GLOB abseil ${folder}/libabsl_*.a)
  list(JOIN archives , archives)
  list(JOIN abseil , abseil)
  find_package(ZLIB REQUIRED)
  find_library(CARES_LIBRARY cares REQUIRED)
  target_link_libraries(turnkeeper_grpc INTERFACE
    $<${in_program}:$<LINK_GROUP:RESCAN,${archives},${abseil}>>
    $<${in_program}:OpenSSL::SSL> $<${in_program}:${CARES_LIBRARY}> $<${in_program}:ZLIB::ZLIB>)
endif()
foreach(library gRPC::grpc++_reflection gRPC::grpc++ protobuf::libprotobuf)
  target_link_libraries(turnkeeper_grpc INTERFACE $<$<NOT:${in_program}>:${library}>)
endforeach()
