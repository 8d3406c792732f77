#include "monitor/exchange/stream.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <thread>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/rpc/mutual_tls.hpp"
#include "turnkeeper/rpc/refused_call.hpp"

namespace turnkeeper::monitor {
namespace {

using Batch = v1::ObservationBatch;

class DialledStream final : public Stream, private grpc::ClientBidiReactor<Batch, Batch> {
 public:
  DialledStream(Home home, const std::shared_ptr<grpc::Channel>& channel)
      : Stream(std::move(home), true), channel_(channel), stub_(v1::Observations::NewStub(channel)) {}

  void start() {
    stub_->async()->Exchange(&context_, this);
    AddHold();  // operations are started outside of gRPC's reactions
    StartRead(&incoming_);
    StartCall();
  }
  [[nodiscard]] std::string far_end() const override { return context_.peer(); }
  [[nodiscard]] std::vector<std::string> far_names() const override { return peer_names(*context_.auth_context()); }

 private:
  void start_read(Batch* into) override { StartRead(into); }
  void start_write(const Batch* batch, bool last) override {
    last ? StartWriteLast(batch, grpc::WriteOptions()) : StartWrite(batch);
  }
  void finish(const grpc::Status& status) override {
    if (!status.ok()) context_.TryCancel();
    RemoveHold();
  }
  void cancel() override { context_.TryCancel(); }

  void OnReadDone(bool ok) override { on_read(ok); }
  void OnWriteDone(bool ok) override { on_written(ok); }
  void OnDone(const grpc::Status& status) override { on_done(status); }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Observations::Stub> stub_;
  grpc::ClientContext context_;
};

class AcceptedStream final : public Stream, public grpc::ServerBidiReactor<Batch, Batch> {
 public:
  AcceptedStream(Home home, grpc::CallbackServerContext* context)
      : Stream(std::move(home), false),
        context_(context),
        far_end_(context->peer()),
        far_names_(peer_names(*context->auth_context())) {}

  void start() {
    on_accepted();
    StartRead(&incoming_);
  }
  [[nodiscard]] std::string far_end() const override { return far_end_; }
  [[nodiscard]] std::vector<std::string> far_names() const override { return far_names_; }

 private:
  void start_read(Batch* into) override { StartRead(into); }
  void start_write(const Batch* batch, bool last) override {
    last ? StartWriteAndFinish(batch, grpc::WriteOptions(), grpc::Status::OK) : StartWrite(batch);
  }
  void finish(const grpc::Status& status) override { Finish(status); }
  void cancel() override { context_->TryCancel(); }

  void OnReadDone(bool ok) override { on_read(ok); }
  void OnWriteDone(bool ok) override { on_written(ok); }
  void OnDone() override { on_done(grpc::Status::OK); }

  grpc::CallbackServerContext* const context_;
  const std::string far_end_;
  const std::vector<std::string> far_names_;
};

}  // namespace

void OpenStreams::add(Stream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.insert(stream);
}

void OpenStreams::remove(Stream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
  if (streams_.empty()) empty_.notify_all();
}

std::set<Stream*> OpenStreams::all() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

bool OpenStreams::wait_until_empty(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, at_most, [&] { return streams_.empty(); });
}

void OpenStreams::wait_until_empty() {
  std::unique_lock lock(mutex_);
  empty_.wait(lock, [&] { return streams_.empty(); });
}

StreamPtr Stream::dial(Home home, const std::shared_ptr<grpc::Channel>& channel) {
  const auto stream = std::make_shared<DialledStream>(std::move(home), channel);
  stream->begin();
  stream->start();
  return stream;
}

void Stream::begin() {
  self_ = shared_from_this();
  home_.open->add(this);
}

void Stream::read_next() {
  if (!finished_) start_read(&incoming_);
}

void Stream::send(Batch batch) {
  if (is_ending()) return;
  outgoing_ = std::move(batch);
  sending_ = true;
  write_is_over_ = false;
  start_write(&outgoing_, false);
}

void Stream::await_sent(std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!write_is_over_ && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (write_is_over_) sending_ = false;
}

void Stream::send_last(Batch batch) {
  if (is_ending()) return;
  ending_ = true;
  outgoing_ = std::move(batch);
  // The accepted side's last message carries its status; the dialled side waits for the far end's.
  finished_ = true;
  start_write(&outgoing_, true);
  if (dialled_) finish(grpc::Status::OK);
}

void Stream::end(const grpc::Status& status) {
  if (ending_) return;
  ending_ = true;
  end_status_ = dialled_ ? grpc::Status::CANCELLED : status;
  // A status must not overtake a message that is being sent.
  sending_ ? cancel() : finish_once();
}

void Stream::cut() {
  ending_ = true;
  end_status_ = grpc::Status::CANCELLED;
  // gRPC may already have done away with an accepted stream that is finished.
  if (dialled_ || !finished_) cancel();
  finish_once();
}

void Stream::finish_once() {
  if (finished_) return;
  finished_ = true;
  finish(end_status_);
}

void Stream::on_accepted() {
  boost::asio::post(home_.executor, [self = shared_from_this()] {
    if (const auto owner = self->home_.owner.lock()) owner->accepted(self);
  });
}

void Stream::on_read(bool ok) {
  boost::asio::post(home_.executor, [self = shared_from_this(), ok] {
    const auto owner = self->home_.owner.lock();
    if (!owner) return;
    if (ok && !self->ending_) return owner->received(self);
    self->ending_ = true;
    if (!self->sending_) self->finish_once();
  });
}

void Stream::on_written(bool ok) {
  write_is_over_ = true;
  boost::asio::post(home_.executor, [self = shared_from_this(), ok] {
    const auto owner = self->home_.owner.lock();
    if (!owner) return;
    self->sending_ = false;
    if (self->ending_) return self->finish_once();
    // The reading side learns why; gRPC tells it only when all that came before was read.
    self->broken_ = !ok;
    if (ok) owner->sent(self);
  });
}

void Stream::on_done(const grpc::Status& status) {
  const auto open = home_.open;
  const auto executor = home_.executor;
  // The last reference goes with the handler, on the owner's thread: a stream may hold gRPC's last channel, which must
  // not go on a thread of gRPC, as it would join itself.
  boost::asio::post(executor, [self = std::move(self_), status] {
    if (const auto owner = self->home_.owner.lock()) owner->closed(self, status);
  });
  open->remove(this);
}

grpc::ServerBidiReactor<Batch, Batch>* ExchangeService::Exchange(grpc::CallbackServerContext* context) {
  if (!mesh_name_.empty() && std::ranges::count(peer_names(*context->auth_context()), mesh_name_) == 0) {
    log::warn("a caller that is no monitor is turned away", {{"peer", context->peer()}, {"wanted", mesh_name_}});
    return new RefusedCall<grpc::ServerBidiReactor<Batch, Batch>>(
        {grpc::StatusCode::UNAUTHENTICATED, "the certificate does not carry the name " + mesh_name_});
  }
  const std::lock_guard lock(mutex_);
  if (closed_)
    return new RefusedCall<grpc::ServerBidiReactor<Batch, Batch>>(
        {grpc::StatusCode::UNAVAILABLE, "this monitor stops"});
  const auto stream = std::make_shared<AcceptedStream>(home_, context);
  stream->begin();
  stream->start();
  return stream.get();
}

void ExchangeService::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace turnkeeper::monitor
