// Under ThreadSanitizer this header of protobuf's gives every map field two more members. Debian's libprotobuf is built
// without them: what it and we take for the same object would differ. So theirs is read as the library was built.
#include <memory>  // libstdc++ must still know
#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")
