# dalgona_proto(NAME file.proto): messages and gRPC service of one file as a static library, its headers as system headers.
# Made when CMake runs, so that a compilation database alone (clang-tidy) finds them, and again whenever the file changes.
find_program(DALGONA_PROTOC protoc REQUIRED)
find_program(DALGONA_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)
function(dalgona_proto NAME FILE)
  set(out ${CMAKE_BINARY_DIR}/proto)
  get_filename_component(stem ${FILE} NAME_WE)
  get_filename_component(folder ${FILE} DIRECTORY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FILE})
  if(${FILE} IS_NEWER_THAN ${out}/${stem}.grpc.pb.h)
    file(MAKE_DIRECTORY ${out})
    execute_process(COMMAND ${DALGONA_PROTOC} -I${folder} --cpp_out=${out} --grpc_out=${out} --plugin=protoc-gen-grpc=${DALGONA_GRPC_PLUGIN} ${FILE}
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
  add_library(${NAME} STATIC ${out}/${stem}.pb.cc ${out}/${stem}.grpc.pb.cc)
  # Generated code answers to no warnings of ours.
  target_compile_options(${NAME} PRIVATE -w -fno-omit-frame-pointer)
  if(DALGONA_SANITIZE)
    target_compile_options(${NAME} PRIVATE ${DALGONA_SANITIZE_OPTIONS})
  endif()
  target_include_directories(${NAME} SYSTEM PUBLIC ${out})
  # Without their compile options: -pthread of gRPC's would not go with the precompiled header.
  target_link_libraries(${NAME} PUBLIC $<LINK_ONLY:gRPC::grpc++> $<LINK_ONLY:protobuf::libprotobuf>)
endfunction()
