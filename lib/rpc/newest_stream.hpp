// A server's stream of which only the newest message counts: one is sent at a time, and of those that came meanwhile
// the last.
//
//   class TargetStream final : public NewestStream<v1::TargetSet> { ... offer(set); ... finish(status); ... };
//
// Thread-safe. As with any reactor of gRPC, whoever derives decides in OnDone() when it goes.
#pragma once

#include <grpcpp/grpcpp.h>

#include <concepts>
#include <memory>
#include <mutex>
#include <optional>

namespace turnkeeper {

template <class Message>
class NewestStream : public grpc::ServerWriteReactor<Message> {
 public:
  // Never null. Nothing more is sent once it is finished.
  void offer(std::shared_ptr<const Message> message) {
    std::lock_guard lock(mutex_);
    waiting_ = std::move(message);
    write_locked();
  }
  // The first status counts.
  void finish(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    finish_locked(status);
  }
  // `status` is called only while the stream is not finished: so long its context is there.
  template <std::invocable Status>
  void finish(Status status) {
    std::lock_guard lock(mutex_);
    if (!finished_) finish_locked(status());
  }

  void OnWriteDone(bool ok) final {
    std::lock_guard lock(mutex_);
    sending_.reset();
    if (ending_) return finish_locked(*ending_);
    if (!ok) return finish_locked(grpc::Status::CANCELLED);
    write_locked();
  }
  void OnCancel() final { finish(grpc::Status::CANCELLED); }

 private:
  void write_locked() {
    if (finished_ || ending_ || sending_ || !waiting_) return;
    sending_.swap(waiting_);
    this->StartWrite(sending_.get());
  }
  // A status must not overtake a message that is being sent.
  void finish_locked(const grpc::Status& status) {
    if (finished_) return;
    if (sending_) {
      if (!ending_) ending_ = status;
      return;
    }
    finished_ = true;
    this->Finish(status);
  }

  std::mutex mutex_;
  std::shared_ptr<const Message> waiting_;
  std::shared_ptr<const Message> sending_;  // gRPC reads it until OnWriteDone
  std::optional<grpc::Status> ending_;
  bool finished_ = false;
};

}  // namespace turnkeeper
