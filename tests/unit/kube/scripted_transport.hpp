// An API server that says what the test wrote down, in that order, and remembers what it was asked.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "turnkeeper/kube/transport.hpp"

namespace turnkeeper::kube {

// The chunks of a watch, then its end: proper, or by an error.
class ScriptedStream final : public ByteStream {
 public:
  ScriptedStream(std::vector<std::string> chunks, std::optional<Error> cut)
      : chunks_(chunks.begin(), chunks.end()), cut_(std::move(cut)) {}
  Result<std::string> read() override {
    if (!chunks_.empty()) {
      std::string chunk = chunks_.front();
      chunks_.pop_front();
      return chunk;
    }
    if (cut_) return kube::fail(*cut_);
    return std::string();
  }

 private:
  std::deque<std::string> chunks_;
  std::optional<Error> cut_;
};

class ScriptedTransport final : public Transport {
 public:
  struct Watch {
    std::vector<std::string> chunks;
    std::optional<Error> cut;
    Response refusal;  // status other than 0: no stream
    std::function<void()> during = {};
  };

  void answer(int status, std::string body, std::chrono::seconds retry_after = {}) {
    answers_.push_back(Response{status, std::move(body), retry_after});
  }
  void fail_with(ErrorKind kind) { answers_.push_back(kube::fail(Error(kind, "scripted"))); }
  void watch(Watch watch) { watches_.push_back(std::move(watch)); }

  Result<Response> send(const Request& request, Deadline, std::stop_token) override {
    std::lock_guard lock(mutex_);
    requests.push_back(request);
    if (answers_.empty()) {
      ADD_FAILURE() << "unexpected " << request.method << " " << request.path;
      return kube::fail(Error(ErrorKind::unreachable, "nothing scripted"));
    }
    auto answer = answers_.front();
    answers_.pop_front();
    return answer;
  }

  Result<Opened> open(const Request& request, std::chrono::seconds, std::stop_token) override {
    std::lock_guard lock(mutex_);
    requests.push_back(request);
    if (watches_.empty()) {
      ADD_FAILURE() << "unexpected watch " << request.path;
      return kube::fail(Error(ErrorKind::unreachable, "nothing scripted"));
    }
    Watch watch = watches_.front();
    watches_.pop_front();
    if (watch.during) watch.during();
    Opened opened;
    opened.response.status = 200;
    if (watch.refusal.status != 0) {
      opened.response = watch.refusal;
      return opened;
    }
    opened.stream = std::make_unique<ScriptedStream>(watch.chunks, watch.cut);
    return opened;
  }

  std::vector<Request> requests;

 private:
  std::mutex mutex_;
  std::deque<Result<Response>> answers_;
  std::deque<Watch> watches_;
};

}  // namespace turnkeeper::kube
