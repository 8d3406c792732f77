#include "turnkeeper/kube/cpprest_transport.hpp"

#include <cpprest/http_client.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pplx/threadpool.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>

#include "turnkeeper/kube/bearer_token.hpp"

namespace turnkeeper::kube {
namespace {

namespace http = web::http;
using http::client::http_client;
using http::client::http_client_config;

// Answers are buffered by cpprestsdk and then by us: a page of 500 objects stays far below this.
constexpr std::size_t longest_body = 256U << 20U;
// How long a cancelled call may take to notice. Only a name that is being resolved does not notice at once.
constexpr auto cancel_grace = std::chrono::seconds(1);

// Where the system keeps its certificate authorities: as OpenSSL would look for them.
std::string& system_ca_file() {
  static std::string path;
  return path;
}

// The library starts 40 threads unless told before its first use. It also has OpenSSL read all of the system's
// certificate authorities for each new connection, although ours replace them: unless OpenSSL is told that there are
// none.
void tame_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* given = std::getenv(X509_get_default_cert_file_env());
    system_ca_file() = given != nullptr ? given : X509_get_default_cert_file();
    ::setenv(X509_get_default_cert_file_env(), "/dev/null", 1);
    try {
      crossplat::threadpool::initialize_with_threads(4);
    } catch (const std::exception&) {
      // Already in use with another size, which works as well.
    }
  });
}

Error unreachable(const std::string& server, const std::string& why) {
  std::string reason = why;
  for (char& c : reason) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::string advice = "check that the API server runs and that its address is right";
  if (reason.find("certificate") != std::string::npos || reason.find("SSL") != std::string::npos ||
      reason.find("handshake") != std::string::npos || reason.find("TLS") != std::string::npos) {
    advice = "check the certificate authority: it must be the one of this API server";
  }
  return {ErrorKind::unreachable, "cannot reach the API server " + server + ": " + reason, advice};
}

// What a finished task left: its value, or its exception as text. Retrieving it here is what keeps cpprestsdk from
// ending the process because of an exception that nobody looked at.
template <class T>
struct Outcome {
  std::optional<T> value;
  std::string error;
};

enum class Waited { done, too_late, stopped };

// One exchange: its cancellation, by the deadline, by stop or by being dropped.
class Exchange {
 public:
  explicit Exchange(std::stop_token stop)
      : stop_(std::move(stop)), on_stop_(stop_, [source = source_] { source.cancel(); }) {}
  ~Exchange() {
    // Dropping the response object alone leaves its socket open until the timeout.
    if (!finished_) source_.cancel();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] pplx::cancellation_token token() const { return source_.get_token(); }
  // The body was read to its end: the connection may go back to the pool.
  void finish() { finished_ = true; }

  // Blocks a thread of ours, never one of the library's pool.
  template <class T>
  Waited wait(pplx::task<T> task, SteadyTime until, Outcome<T>& outcome) {
    auto promise = std::make_shared<std::promise<Outcome<T>>>();
    auto future = promise->get_future();
    task.then([promise](pplx::task<T> finished) {
      Outcome<T> result;
      try {
        result.value = finished.get();
      } catch (const std::exception& error) {
        result.error = error.what();
      } catch (...) {
        result.error = "unknown failure";
      }
      promise->set_value(std::move(result));
    });
    bool late = future.wait_until(until) == std::future_status::timeout;
    if (late) {
      source_.cancel();
      if (future.wait_for(cancel_grace) == std::future_status::timeout) return Waited::too_late;
    }
    outcome = future.get();
    if (stop_.stop_requested() && !outcome.value) return Waited::stopped;
    return late && !outcome.value ? Waited::too_late : Waited::done;
  }

 private:
  pplx::cancellation_token_source source_;
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> on_stop_;
  bool finished_ = false;
};

class BodyStream final : public ByteStream {
 public:
  BodyStream(std::string server, std::unique_ptr<Exchange> exchange, http::http_response response)
      : server_(std::move(server)), exchange_(std::move(exchange)), body_(response.body().streambuf()) {}

  void set_quiet(std::chrono::nanoseconds quiet) { quiet_ = quiet; }

  Result<std::string> read() override {
    return read_until(std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(quiet_));
  }

  Result<std::string> read_until(SteadyTime until) {
    // getc() waits for the first byte without taking it; what came with it is then taken under the buffer's lock.
    Outcome<Buffer::int_type> first;
    switch (exchange_->wait(body_.getc(), until, first)) {
      case Waited::stopped:
        return kube::fail(Error(ErrorKind::cancelled, "stopped"));
      case Waited::too_late:
        return kube::fail(unreachable(server_, "it went silent"));
      case Waited::done:
        break;
    }
    if (!first.value) return kube::fail(unreachable(server_, first.error));
    if (*first.value == Buffer::traits::eof()) {
      // A body that was cut short ends here too, with the reason stored in the buffer.
      if (auto cut = body_.exception()) return kube::fail(unreachable(server_, reason(cut)));
      exchange_->finish();
      return std::string();
    }
    std::uint8_t* bytes = nullptr;
    std::size_t count = 0;
    if (!body_.acquire(bytes, count) || bytes == nullptr || count == 0) {
      return kube::fail(unreachable(server_, "the connection was closed"));
    }
    std::string chunk(reinterpret_cast<const char*>(bytes), count);
    body_.release(bytes, count);
    return chunk;
  }

 private:
  using Buffer = concurrency::streams::streambuf<std::uint8_t>;

  static std::string reason(const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      return error.what();
    } catch (...) {
      return "the answer was cut short";
    }
  }

  std::string server_;
  std::unique_ptr<Exchange> exchange_;
  Buffer body_;
  std::chrono::nanoseconds quiet_{std::chrono::seconds(60)};
};

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

// Trusts the given authorities and no others. False when there is no certificate in `pem`.
bool trust_only(SSL_CTX* context, const std::string& pem) {
  X509_STORE* store = X509_STORE_new();
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  int count = 0;
  while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free}) {
    X509_STORE_add_cert(store, certificate.get());
    ++count;
  }
  ERR_clear_error();  // the end of the PEM text is reported as an error
  if (count == 0) {
    X509_STORE_free(store);
    return false;
  }
  SSL_CTX_set_cert_store(context, store);  // takes it
  return true;
}

std::string current_ca(const Config& config) {
  if (config.ca_file.empty()) return config.ca_pem;
  std::ifstream file(config.ca_file, std::ios::binary);
  std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return pem.empty() ? config.ca_pem : pem;
}

// Throws boost::system::system_error with OpenSSL's reason.
void set_up_tls(boost::asio::ssl::context& context, const Config& config) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  const std::string ca = current_ca(config);
  if (ca.empty()) {
    // One that cannot be read leaves the directory of authorities, and no trust where there is none either.
    static_cast<void>(SSL_CTX_load_verify_file(context.native_handle(), system_ca_file().c_str()));
    ERR_clear_error();
  }
  if (!ca.empty() && !trust_only(context.native_handle(), ca)) {
    throw boost::system::system_error(boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                                      "the certificate authority is not in PEM form");
  }
  if (!config.client_cert_pem.empty()) {
    context.use_certificate_chain(boost::asio::buffer(config.client_cert_pem));
    context.use_private_key(boost::asio::buffer(config.client_key_pem.reveal()), boost::asio::ssl::context::pem);
  }
}

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(Config config, const Clock& clock)
      : config_(std::make_shared<const Config>(std::move(config))),
        token_(config_->token, config_->token_file, clock),
        client_(config_->server, client_config(std::chrono::seconds(60))) {}

  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override {
    auto started = start(client_, request, deadline.at(), std::move(stop));
    if (!started) return kube::fail(started.error());
    return collect(*started, deadline.at());
  }

  Result<Opened> open(const Request& request, std::chrono::seconds quiet, std::stop_token stop) override {
    // The library's timeout belongs to a client, not to a request: a watch has a client of its own.
    http_client client(config_->server, client_config(quiet));
    const SteadyTime head_by = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    auto started = start(client, request, head_by, std::move(stop));
    if (!started) return kube::fail(started.error());
    Opened opened;
    if (started->response.status == 200) {
      opened.response = started->response;
      started->body->set_quiet(quiet);
      opened.stream = std::move(started->body);
      return opened;
    }
    auto complete = collect(*started, head_by);
    if (!complete) return kube::fail(complete.error());
    opened.response = std::move(*complete);
    return opened;
  }

 private:
  struct Started {
    Response response;
    std::unique_ptr<BodyStream> body;
  };

  [[nodiscard]] http_client_config client_config(std::chrono::seconds timeout) const {
    http_client_config out;
    out.set_timeout(timeout);
    out.set_max_redirects(0);
    out.set_validate_certificates(!config_->skip_tls_verify);
    out.set_ssl_context_callback([config = config_](boost::asio::ssl::context& context) {
      try {
        set_up_tls(context, *config);
      } catch (const std::exception&) {
        // A file being replaced this moment: no authority is trusted, so this one connection fails and is retried.
        SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
      }
    });
    return out;
  }

  Result<Started> start(http_client& client, const Request& request, SteadyTime until, std::stop_token stop) {
    try {
      http::http_request message(request.method);
      message.set_request_uri(web::uri(request.path));
      message.headers().add("Accept", "application/json");
      message.headers().add("User-Agent", "turnkeeper");
      if (const Secret token = token_.current(); !token.empty()) {
        message.headers().add("Authorization", "Bearer " + token.reveal());
      }
      if (!request.body.empty()) message.set_body(request.body, request.content_type);
      auto exchange = std::make_unique<Exchange>(std::move(stop));
      Outcome<http::http_response> head;
      switch (exchange->wait(client.request(message, exchange->token()), until, head)) {
        case Waited::stopped:
          return kube::fail(Error(ErrorKind::cancelled, "stopped"));
        case Waited::too_late:
          return kube::fail(unreachable(config_->server, "no answer in time"));
        case Waited::done:
          break;
      }
      if (!head.value) return kube::fail(unreachable(config_->server, head.error));
      Started started;
      started.response.status = head.value->status_code();
      if (std::string seconds; head.value->headers().match("Retry-After", seconds)) {
        started.response.retry_after = std::chrono::seconds(std::strtoul(seconds.c_str(), nullptr, 10));
      }
      started.body = std::make_unique<BodyStream>(config_->server, std::move(exchange), *head.value);
      return started;
    } catch (const std::exception& error) {
      return kube::fail(unreachable(config_->server, error.what()));
    }
  }

  Result<Response> collect(Started& started, SteadyTime until) {
    while (true) {
      auto chunk = started.body->read_until(until);
      if (!chunk) return kube::fail(chunk.error());
      if (chunk->empty()) return std::move(started.response);
      started.response.body += *chunk;
      if (started.response.body.size() > longest_body) {
        return kube::fail(Error(ErrorKind::unexpected, "the answer of " + config_->server + " is too large"));
      }
    }
  }

  const std::shared_ptr<const Config> config_;
  BearerToken token_;
  http_client client_;
};

}  // namespace

turnkeeper::Result<std::shared_ptr<Transport>> connect(const Config& config, const Clock& clock) {
  tame_library();
  try {
    boost::asio::ssl::context trial(boost::asio::ssl::context::tls_client);
    set_up_tls(trial, config);
  } catch (const std::exception& error) {
    return turnkeeper::fail("the certificates of " + config.source + " cannot be used: " + error.what(),
                            "give the certificate authority, client certificate and key as PEM");
  }
  try {
    return std::make_shared<CpprestTransport>(config, clock);
  } catch (const std::exception& error) {
    return turnkeeper::fail("the API server's address '" + config.server + "' cannot be used: " + error.what(),
                            "write server: https://HOST:PORT");
  }
}

}  // namespace turnkeeper::kube
