#include "turnkeeper/rest/send.hpp"

#include <cpprest/http_client.h>
#include <cpprest/rawptrstream.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

namespace turnkeeper::rest {
namespace {

namespace http = web::http;
using http::client::http_client;
using http::client::http_client_config;

constexpr std::size_t longest_body = 1024 * 1024;
constexpr std::chrono::seconds longest_retry_after{3600};
constexpr std::chrono::seconds longest_max_age{24 * 3600};
// The library's own limit is on each step. Ours, on everything, is the deadline.
constexpr std::chrono::seconds longest_step{30};

// The library starts 40 threads unless told before its first use.
void limit_thread_pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(4);
    } catch (const std::exception&) {
      // Already in use with another size, which works as well.
    }
  });
}

template <class T>
struct Outcome {
  std::optional<T> value;
  std::string error;
};

// Waits for tasks on a thread of ours, until the deadline or a little after `stop`; then they are cancelled.
class Wait {
 public:
  Wait(Deadline deadline, std::stop_token stop, std::chrono::nanoseconds grace)
      : shared_(std::make_shared<Shared>(deadline.at())), on_stop_(std::move(stop), [shared = shared_, grace] {
          const std::scoped_lock lock(shared->mutex);
          const auto until = std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(grace);
          shared->until = std::min(shared->until, until);
          shared->changed.notify_all();
        }) {}
  // Dropping the response object alone leaves its socket open until the timeout.
  ~Wait() { shared_->source.cancel(); }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

  [[nodiscard]] pplx::cancellation_token token() const { return shared_->source.get_token(); }

  // Every task is observed: the library ends the process for an exception that nobody looked at. `kept` lives as long
  // as the task does.
  template <class T>
  Outcome<T> operator()(pplx::task<T> task, std::shared_ptr<void> kept = nullptr) {
    auto outcome = std::make_shared<std::optional<Outcome<T>>>();
    task.then([shared = shared_, outcome, kept](pplx::task<T> finished) {
      Outcome<T> result;
      try {
        result.value = finished.get();
      } catch (const std::exception& error) {
        result.error = error.what();
      } catch (...) {
        result.error = "unknown failure";
      }
      const std::scoped_lock lock(shared->mutex);
      *outcome = std::move(result);
      shared->changed.notify_all();
    });
    std::unique_lock lock(shared_->mutex);
    while (!*outcome && std::chrono::steady_clock::now() < shared_->until) {
      shared_->changed.wait_until(lock, shared_->until);
    }
    if (*outcome) return std::move(**outcome);
    lock.unlock();
    shared_->source.cancel();
    return {std::nullopt, "no answer in time"};
  }

 private:
  struct Shared {
    explicit Shared(SteadyTime at) : until(at) {}
    std::mutex mutex;
    std::condition_variable changed;
    SteadyTime until;
    pplx::cancellation_token_source source;
  };
  std::shared_ptr<Shared> shared_;
  std::stop_callback<std::function<void()>> on_stop_;
};

constexpr const char* other_name = "it is for another name";

// Why a server's certificate was refused, which the library does not tell. Kept as long as the context.
struct Refusal {
  std::mutex mutex;
  std::string why;
};

int verify(X509_STORE_CTX* chain, void* refusal) {
  const int good = X509_verify_cert(chain);
  if (good == 1) return good;
  const int error = X509_STORE_CTX_get_error(chain);
  auto& to = *static_cast<Refusal*>(refusal);
  const std::scoped_lock lock(to.mutex);
  // The library compares the name in a callback of its own, which sets no error.
  to.why = error == X509_V_ERR_UNSPECIFIED ? other_name : X509_verify_cert_error_string(error);
  return good;
}

void explain_refusals(SSL_CTX* context, std::shared_ptr<Refusal> refusal) {
  using Kept = std::shared_ptr<Refusal>;
  static const int place = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* kept, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Kept*>(kept); });
  SSL_CTX_set_cert_verify_callback(context, verify, refusal.get());
  SSL_CTX_set_ex_data(context, place, new Kept(std::move(refusal)));
}

Error refused(const std::string& why, const std::string& ca_file) {
  const std::string message = "the server's certificate is refused: " + why;
  if (why == other_name) return {message, "use a name in the URL that the certificate carries"};
  if (!ca_file.empty()) return {message, "see that it is signed by an authority in " + ca_file};
  return {message, "have it signed by an authority that this system trusts, or name the one that did"};
}

// One printable line, without what must not be told.
std::string quoted(std::string text, const Secret& url) {
  const auto& secret = url.reveal();
  const auto scheme = secret.find("://");
  const auto path = secret.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  if (path != std::string::npos && secret.size() - path > 1 && text.find(secret.substr(path)) != std::string::npos) {
    return "no answer";
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text;
}

std::optional<std::chrono::seconds> retry_after(const http::http_headers& headers) {
  std::string text;
  if (!headers.match("Retry-After", text) || text.empty()) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::chrono::seconds wait{0};
  if (std::ranges::all_of(text, is_digit)) {
    wait = std::chrono::seconds(std::strtoll(text.substr(0, 6).c_str(), nullptr, 10));
  } else {
    const auto date = utility::datetime::from_string(text, utility::datetime::RFC_1123);
    if (!date.is_initialized()) return std::nullopt;
    const auto now = utility::datetime::utc_now();
    if (date.to_interval() > now.to_interval()) wait = std::chrono::seconds(date - now);
  }
  return std::min(wait, longest_retry_after);
}

std::optional<std::chrono::seconds> max_age(const http::http_headers& headers) {
  std::string text;
  if (!headers.match("Cache-Control", text)) return std::nullopt;
  constexpr std::string_view name = "max-age=";
  const auto at = text.find(name);
  const auto digits = at == std::string::npos ? std::string() : text.substr(at + name.size(), 6);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  return std::min(std::chrono::seconds(std::strtoll(digits.c_str(), nullptr, 10)), longest_max_age);
}

Result<std::string> read_body(const http::http_response& response, Wait& wait) {
  constexpr std::size_t step = 16 * 1024;
  using Buffer = std::array<std::uint8_t, step>;
  std::string body;
  auto stream = response.body();
  while (true) {
    const auto buffer = std::make_shared<Buffer>();
    concurrency::streams::rawptr_buffer<std::uint8_t> target(buffer->data(), buffer->size(), std::ios::out);
    const auto read = wait(stream.read(target, buffer->size()), buffer);
    if (!read.value) return fail(read.error);
    if (*read.value == 0) return body;
    if (body.size() + *read.value > longest_body) return fail("the answer is longer than 1 MiB");
    body.append(buffer->begin(), buffer->begin() + static_cast<std::ptrdiff_t>(*read.value));
  }
}

}  // namespace

Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop, std::chrono::nanoseconds grace) {
  limit_thread_pool();
  try {
    http_client_config config;
    config.set_timeout(longest_step);
    config.set_max_redirects(0);
    const auto refusal = std::make_shared<Refusal>();
    config.set_ssl_context_callback([ca_file = request.ca_file, refusal](boost::asio::ssl::context& context) {
      explain_refusals(context.native_handle(), refusal);
      if (ca_file.empty()) return;
      SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
      boost::system::error_code unreadable;  // nothing is trusted then, and the connection fails
      context.load_verify_file(ca_file, unreadable);
    });
    http::http_request message(request.method);
    message.headers().add("User-Agent", "turnkeeper");
    for (const auto& [name, value] : request.headers) message.headers()[name] = value.reveal();
    if (!request.content_type.empty()) message.set_body(request.body, request.content_type);
    http_client client(request.url.reveal(), config);
    Wait wait(deadline, std::move(stop), grace);
    const auto head = wait(client.request(message, wait.token()));
    if (!head.value) {
      const std::scoped_lock lock(refusal->mutex);
      if (!refusal->why.empty()) return fail(refused(refusal->why, request.ca_file));
      return fail(quoted(head.error, request.url));
    }
    auto body = read_body(*head.value, wait);
    if (!body) return fail(quoted(body.error().message, request.url));
    return Response{.status = head.value->status_code(),
                    .reason = quoted(head.value->reason_phrase(), request.url),
                    .body = std::move(*body),
                    .retry_after = retry_after(head.value->headers()),
                    .max_age = max_age(head.value->headers())};
  } catch (const std::exception& error) {
    return fail(quoted(error.what(), request.url));
  }
}

}  // namespace turnkeeper::rest
