#include "operator/controller/probes.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "turnkeeper/http/server.hpp"

namespace turnkeeper::op {

class Probes::Impl {
 public:
  boost::asio::io_context io;
  std::unique_ptr<http::Server> server;
  std::thread thread;
};

Result<std::unique_ptr<Probes>> Probes::listen(const std::string& address, Answers answers) {
  const auto judged = [](std::function<Result<>()> judge) {
    return [judge = std::move(judge)](const http::Request&) {
      const auto verdict = judge();
      return verdict ? http::Response::text("ok\n") : http::Response::text(verdict.error().text() + "\n", 503);
    };
  };
  http::Router router;
  router.get("/healthz", judged(std::move(answers.healthy)));
  router.get("/readyz", judged(std::move(answers.ready)));
  router.get("/metrics", [metrics = std::move(answers.metrics)](const http::Request&) {
    http::Response response = http::Response::text(metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  });
  auto impl = std::make_unique<Impl>();
  auto server = http::Server::listen(impl->io, address, std::move(router));
  if (!server) return fail(server.error());
  impl->server = std::move(*server);
  impl->thread = std::thread([&io = impl->io] { io.run(); });
  return std::unique_ptr<Probes>(new Probes(std::move(impl)));
}

Probes::Probes(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Probes::~Probes() {
  boost::asio::post(impl_->io, [impl = impl_.get()] { impl->server->stop(); });
  impl_->thread.join();
}

const std::string& Probes::address() const {
  return impl_->server->address();
}

}  // namespace turnkeeper::op
