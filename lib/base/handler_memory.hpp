// Memory for one asynchronous handler at a time, so that a handler that is started again and again costs no allocation:
// Boost.Asio asks a handler for its allocator and keeps the operation there.
//
//   HandlerMemory memory_;
//   timer_.async_wait(with_memory(memory_, [this](const boost::system::error_code& error) { ... }));
//
// The memory must outlive the operation, which may end after whoever started it: let the handler share its ownership.
// (Asio moves a handler away before it gives its memory back.) A second operation at the same time, or a large one,
// goes to the heap. Used from one thread at a time.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace turnkeeper {

class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  [[nodiscard]] void* allocate(std::size_t size) {
    if (used_ || size > sizeof bytes_) return ::operator new(size);
    used_ = true;
    return bytes_;
  }
  void deallocate(void* pointer) {
    if (pointer == bytes_) {
      used_ = false;
    } else {
      ::operator delete(pointer);
    }
  }

 private:
  alignas(std::max_align_t) std::byte bytes_[256];
  bool used_ = false;
};

template <class T>
class HandlerAllocator {
 public:
  using value_type = T;
  explicit HandlerAllocator(HandlerMemory& memory) : memory_(&memory) {}
  template <class U>
  HandlerAllocator(const HandlerAllocator<U>& other) : memory_(other.memory_) {}

  [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(memory_->allocate(sizeof(T) * n)); }
  void deallocate(T* pointer, std::size_t) { memory_->deallocate(pointer); }

  template <class U>
  bool operator==(const HandlerAllocator<U>& other) const {
    return memory_ == other.memory_;
  }

 private:
  template <class U>
  friend class HandlerAllocator;
  HandlerMemory* memory_;
};

template <class Handler>
struct HandlerWithMemory {
  using allocator_type = HandlerAllocator<void>;
  [[nodiscard]] allocator_type get_allocator() const { return allocator; }
  template <class... Arguments>
  void operator()(Arguments&&... arguments) {
    handler(std::forward<Arguments>(arguments)...);
  }

  Handler handler;
  allocator_type allocator;
};

template <class Handler>
[[nodiscard]] HandlerWithMemory<Handler> with_memory(HandlerMemory& memory, Handler handler) {
  return {std::move(handler), HandlerAllocator<void>(memory)};
}

}  // namespace turnkeeper
