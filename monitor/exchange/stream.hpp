// One Observations.Exchange stream, dialled or accepted, driven from one thread: gRPC's reactions are posted to the
// owner's executor, and the owner alone starts operations.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "turnkeeper/v1/observations.grpc.pb.h"

namespace turnkeeper::monitor {

class Stream;
using StreamPtr = std::shared_ptr<Stream>;

// Hears of its streams on its executor.
class StreamOwner {
 public:
  virtual ~StreamOwner() = default;
  virtual void accepted(const StreamPtr& stream) = 0;
  // stream->incoming() is the message until read_next().
  virtual void received(const StreamPtr& stream) = 0;
  virtual void sent(const StreamPtr& stream) = 0;
  // Nothing comes after it. `status` of a dialled stream is the far end's, or gRPC's own.
  virtual void closed(const StreamPtr& stream, const grpc::Status& status) = 0;
};

// The streams that gRPC may still call. Thread-safe.
class OpenStreams {
 public:
  void add(Stream* stream);
  void remove(Stream* stream);
  // Alive as long as the caller is on the owner's thread.
  [[nodiscard]] std::set<Stream*> all() const;
  // Whether none is open any more.
  bool wait_until_empty(std::chrono::milliseconds at_most);
  void wait_until_empty();

 private:
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  std::set<Stream*> streams_;
};

// All but the constructors' callers and gRPC: on the executor's thread.
class Stream : public std::enable_shared_from_this<Stream> {
  friend class ExchangeService;

 public:
  struct Home {
    boost::asio::any_io_executor executor;
    std::weak_ptr<StreamOwner> owner;
    std::shared_ptr<OpenStreams> open;
  };
  [[nodiscard]] static StreamPtr dial(Home home, const std::shared_ptr<grpc::Channel>& channel);
  virtual ~Stream() = default;

  [[nodiscard]] bool is_dialled() const { return dialled_; }
  // "ipv4:192.0.2.7:4711"
  [[nodiscard]] virtual std::string far_end() const = 0;
  // The names in the far end's certificate; known from the first received() on.
  [[nodiscard]] virtual std::vector<std::string> far_names() const = 0;

  [[nodiscard]] const v1::ObservationBatch& incoming() const { return incoming_; }
  // Once after each received(); the first message is read unasked.
  void read_next();
  // One at a time: not while is_sending().
  void send(v1::ObservationBatch batch);
  [[nodiscard]] bool is_sending() const { return sending_; }
  // For the end, when events are no longer heard of: the write under way is over, or `at_most` is.
  void await_sent(std::chrono::milliseconds at_most);
  // The last message, then the end in good order.
  void send_last(v1::ObservationBatch batch);
  // An accepted stream ends with this status, a dialled one is cancelled. Again: nothing happens.
  void end(const grpc::Status& status);
  // Without waiting for what is under way, and even after send_last().
  void cut();
  // Nothing can be sent any more.
  [[nodiscard]] bool is_ending() const { return ending_ || broken_; }

 protected:
  Stream(Home home, bool dialled) : home_(std::move(home)), dialled_(dialled) {}

  // Before gRPC hears of the stream: it lives until on_done().
  void begin();

  // From gRPC's threads.
  void on_accepted();
  void on_read(bool ok);
  void on_written(bool ok);
  void on_done(const grpc::Status& status);

  virtual void start_read(v1::ObservationBatch* into) = 0;
  virtual void start_write(const v1::ObservationBatch* batch, bool last) = 0;
  virtual void finish(const grpc::Status& status) = 0;  // nothing is started after it
  virtual void cancel() = 0;

  v1::ObservationBatch incoming_;

 private:
  void finish_once();

  const Home home_;
  const bool dialled_;
  StreamPtr self_;
  v1::ObservationBatch outgoing_;
  bool sending_ = false;
  std::atomic<bool> write_is_over_ = true;  // as gRPC sees it: sending_ follows with the event
  bool ending_ = false;
  bool broken_ = false;  // a message could not be sent
  bool finished_ = false;
  grpc::Status end_status_;
};

// Accepts streams and hands them to their owner.
class ExchangeService final : public v1::Observations::CallbackService {
 public:
  // `mesh_name`: what a caller's certificate must carry; empty: anybody is let in.
  ExchangeService(Stream::Home home, std::string mesh_name)
      : home_(std::move(home)), mesh_name_(std::move(mesh_name)) {}
  grpc::ServerBidiReactor<v1::ObservationBatch, v1::ObservationBatch>* Exchange(
      grpc::CallbackServerContext* context) override;
  // From now on every caller is turned away.
  void close();

 private:
  const Stream::Home home_;
  const std::string mesh_name_;
  std::mutex mutex_;
  bool closed_ = false;
};

}  // namespace turnkeeper::monitor
