// What a C library made and frees by a function of its own, as a unique_ptr of the size of a pointer.
//
//   const Owned<X509, X509_free> certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
//   if (!certificate) return fail("...");
#pragma once

#include <memory>

namespace turnkeeper {

template <auto free>
struct FreedBy {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, FreedBy<free>>;

}  // namespace turnkeeper
