// What one PATCH to an API server costs this process, by the transport of lib/kube and by cpprestsdk: TLS, connections
// that stay open, four threads, 3 KB there and 6 KB back. The server is a process of its own and answers at once.
#include <arpa/inet.h>
#include <cpprest/http_client.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "operator/certificates/x509.hpp"
#include "tests/bench/usage.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::bench {
namespace {

constexpr int threads = 4;
const std::string body = "{\"data\": \"" + std::string(3000, 'x') + "\"}";
const std::string answer = "{\"data\": \"" + std::string(6000, 'x') + "\"}";

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "requests: " << why << '\n';
  std::exit(1);
}

void serve_connection(SSL_CTX* context, int socket) {
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, socket);
  const std::string reply =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(answer.size()) +
      "\r\n\r\n" + answer;
  std::string text;
  std::array<char, 16384> piece{};
  if (SSL_accept(ssl) == 1) {
    while (true) {
      const int count = SSL_read(ssl, piece.data(), static_cast<int>(piece.size()));
      if (count <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(count));
      if (!text.ends_with("x\"}")) continue;
      text.clear();
      if (SSL_write(ssl, reply.data(), static_cast<int>(reply.size())) <= 0) break;
    }
  }
  SSL_free(ssl);
  ::close(socket);
}

[[noreturn]] void serve(int listener, const op::Identity& identity) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* certificate = BIO_new_mem_buf(identity.certificate.data(), -1);
  BIO* key = BIO_new_mem_buf(identity.key.reveal().data(), -1);
  SSL_CTX_use_certificate(context, PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr));
  SSL_CTX_use_PrivateKey(context, PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr));
  while (true) {
    const int socket = ::accept(listener, nullptr, nullptr);
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread([context, socket] { serve_connection(context, socket); }).detach();
  }
}

// In a process of its own: microseconds of CPU for each request.
void measure(const std::string& name, int requests, const std::function<std::function<bool()>()>& connect) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto request = connect();
    for (int i = 0; i < 2 * threads; ++i) {
      if (!request()) give_up(name + ": a request failed");
    }
    std::atomic<int> left = requests;
    const double before = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        while (left.fetch_sub(1) > 0) {
          if (!request()) give_up(name + ": a request failed");
        }
      });
    }
    workers.clear();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double each = 1e6 * (cpu_seconds() - before) / requests;
    std::printf("%s %.1f us of CPU, %.1f us\n", name.c_str(), each, 1e6 * took.count() / requests);
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) give_up(name + " failed");
}

std::function<bool()> by_turnkeeper(const std::string& url, const std::string& ca) {
  kube::Config config;
  config.server = url;
  config.ca_pem = ca;
  auto transport = kube::connect(config, real_clock());
  if (!transport) give_up(transport.error().text());
  return [transport = *transport] {
    const auto response = transport->send({"PATCH", "/api", "application/apply-patch+yaml", body},
                                          Deadline::after(real_clock(), std::chrono::seconds(10)), {});
    return response && response->body.size() == answer.size();
  };
}

std::function<bool()> by_cpprestsdk(const std::string& url, const std::string& ca) {
  crossplat::threadpool::initialize_with_threads(threads);
  web::http::client::http_client_config config;
  config.set_ssl_context_callback(
      [ca](boost::asio::ssl::context& context) { context.add_certificate_authority(boost::asio::buffer(ca)); });
  auto client = std::make_shared<web::http::client::http_client>(url, config);
  return [client] {
    web::http::http_request request("PATCH");
    request.set_request_uri("/api");
    request.set_body(body, "application/apply-patch+yaml");
    return client->request(request).get().extract_utf8string(true).get().size() == answer.size();
  };
}

int run(int requests) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 64) != 0) {
    give_up("cannot listen");
  }
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const auto validity = op::validity_from(real_clock().system(), std::chrono::hours(1));
  const auto authority = op::make_authority(validity);
  const auto identity = op::sign(authority, {"127.0.0.1"}, validity);
  if (!identity) give_up(identity.error().text());

  const pid_t server = ::fork();
  if (server == 0) serve(listener, *identity);
  measure("turnkeeper", requests, [&] { return by_turnkeeper(url, authority.certificate); });
  measure("cpprestsdk", requests, [&] { return by_cpprestsdk(url, authority.certificate); });
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  return 0;
}

}  // namespace
}  // namespace turnkeeper::bench

int main(int argc, char** argv) {
  return turnkeeper::bench::run(argc > 1 ? std::atoi(argv[1]) : 20000);
}
