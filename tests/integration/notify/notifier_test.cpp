// The notifier against a real HTTP receiver that behaves as receivers do: well, badly, slowly and not at all.
#include "monitor/notify/notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
// Asio 1.74 uses std::exchange in its coroutine headers without including this.
#include <boost/asio.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "turnkeeper/http/server.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Answers each POST with the next of its answers, then with 200; nothing for status 0.
class WebhookServer {
 public:
  struct Answer {
    int status = 200;
    std::string retry_after;
    std::string body;
  };

  using Answers = std::deque<Answer>;

  explicit WebhookServer(Answers answers = {}) : answers_(std::move(answers)) {
    http::Router router;
    router.post_deferred("/{token}", [this](const http::Request& request, const http::Responder& respond) {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
      Answer answer;
      if (!answers_.empty()) {
        answer = answers_.front();
        answers_.pop_front();
      }
      if (answer.status == 0) {
        unanswered_.push_back(respond);
      } else {
        auto response = http::Response::text(answer.body, answer.status);
        if (!answer.retry_after.empty()) response.headers.emplace_back("Retry-After", answer.retry_after);
        respond(std::move(response));
      }
      changed_.notify_all();
    });
    auto server = http::Server::listen(io_, "127.0.0.1:0", std::move(router));
    if (!server) throw std::runtime_error(server.error().text());
    server_ = std::move(*server);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~WebhookServer() {
    boost::asio::post(io_, [this] { server_.reset(); });
    keep_.reset();
    thread_.join();
  }
  [[nodiscard]] std::string url() const { return "http://" + server_->address() + "/secret-token"; }

  // Waits until so many came, for ten seconds at most.
  std::vector<http::Request> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Answer> answers_;
  std::vector<http::Request> requests_;
  std::vector<http::Responder> unanswered_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_{io_.get_executor()};
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

// A port that nobody listens on while this lives.
class ClosedPort {
 public:
  ClosedPort() : socket_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
};

// A port where whoever connects is hung up on.
class ShutDoor {
 public:
  ShutDoor() : acceptor_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  // False when nobody came for ten seconds.
  bool turn_one_away() {
    bool came = false;
    acceptor_.async_accept([&](const boost::system::error_code& error, const auto&) { came = !error; });
    io_.run_for(10s);
    return came;
  }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

Notification down(const std::string& key = "k") {
  return {.event = Notification::Event::incident_started,
          .severity = Severity::critical,
          .key = key,
          .title = "Relay " + key + " is down",
          .cause = api::Cause::data_path};
}

class NotifierTest : public testing::Test {
 protected:
  ~NotifierTest() override { std::filesystem::remove_all(directory_); }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }
  static Receiver receiver(const std::string& url, Receiver::Type type = Receiver::Type::generic) {
    return {.name = "on-call", .type = type, .url = Secret(url)};
  }
  // Waits until `ready` says so of the one receiver's counts.
  Notifier::Counts counts(const std::function<bool(const Notifier::Counts&)>& ready) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (true) {
      auto now = notifier_.counts().at(0);
      if (ready(now) || std::chrono::steady_clock::now() > end) return now;
      std::this_thread::sleep_for(10ms);
    }
  }
  std::string directory_ = [] {
    char name[] = "/tmp/turnkeeper-notify-XXXXXX";
    return std::string(mkdtemp(name));
  }();
  Notifier notifier_{{.vantage = "here", .status_url = ""}, real_clock()};
};

TEST_F(NotifierTest, EachTypeOfReceiverGetsItsShape) {
  WebhookServer generic;
  WebhookServer slack;
  WebhookServer ntfy;
  auto receivers = std::vector{receiver(generic.url()), receiver(slack.url(), Receiver::Type::slack),
                               receiver(ntfy.url(), Receiver::Type::ntfy)};
  receivers[1].name = "chat";
  receivers[2].name = "phone";
  notifier_.set_receivers(receivers);
  notifier_.notify(down());
  ASSERT_EQ(generic.requests(1).size(), 1u);
  ASSERT_EQ(slack.requests(1).size(), 1u);
  ASSERT_EQ(ntfy.requests(1).size(), 1u);
  EXPECT_EQ(generic.requests(1)[0].header("content-type"), "application/json");
  EXPECT_EQ(nlohmann::json::parse(generic.requests(1)[0].body)["schema"], "turnkeeper.io/notification/v1");
  EXPECT_EQ(nlohmann::json::parse(slack.requests(1)[0].body)["text"], "Relay k is down");
  EXPECT_EQ(ntfy.requests(1)[0].header("title"), "Relay k is down");
  EXPECT_EQ(ntfy.requests(1)[0].header("priority"), "5");
}

TEST_F(NotifierTest, SecretsComeFromFilesAndAreReadAnew) {
  WebhookServer old_one;
  WebhookServer new_one;
  Receiver to{.name = "on-call", .url_file = file("url", old_one.url() + "\n")};
  to.header_files["Authorization"] = file("auth", "Bearer one\n");
  notifier_.set_receivers({to});
  notifier_.notify(down("a"));
  ASSERT_EQ(old_one.requests(1).size(), 1u);
  EXPECT_EQ(old_one.requests(1)[0].header("authorization"), "Bearer one");
  file("url", new_one.url());
  file("auth", "Bearer two");
  notifier_.notify(down("b"));
  ASSERT_EQ(new_one.requests(1).size(), 1u);
  EXPECT_EQ(new_one.requests(1)[0].header("authorization"), "Bearer two");
}

TEST_F(NotifierTest, AReceiverThatIsBrokenForAMomentGetsTheSameMessageAgain) {
  WebhookServer server(WebhookServer::Answers{{.status = 500}, {.status = 429, .retry_after = "1"}});
  notifier_.set_receivers({receiver(server.url())});
  notifier_.notify(down());
  const auto begun = std::chrono::steady_clock::now();
  const auto requests = server.requests(3);
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1500ms) << "half a second at least, and the second it asked for";
  const auto id = [](const http::Request& request) { return nlohmann::json::parse(request.body)["id"]; };
  EXPECT_EQ(id(requests[0]), id(requests[2])) << "a receiver could not tell a repetition";
  EXPECT_EQ(counts([](const auto& now) { return now.sent == 1; }).sent, 1u);
}

TEST_F(NotifierTest, ARefusalIsFinalAndIsCounted) {
  WebhookServer server(WebhookServer::Answers{{.status = 404}});
  notifier_.set_receivers({receiver(server.url())});
  notifier_.notify(down("a"));
  EXPECT_EQ(counts([](const auto& now) { return now.failed == 1; }).failed, 1u);
  notifier_.notify(down("b"));
  EXPECT_EQ(server.requests(2).size(), 2u);
}

TEST_F(NotifierTest, OneReceiverThatHangsDelaysNoOther) {
  WebhookServer hanging(WebhookServer::Answers{{.status = 0}});
  WebhookServer good;
  auto receivers = std::vector{receiver(hanging.url()), receiver(good.url())};
  receivers[1].name = "good";
  notifier_.set_receivers(receivers);
  notifier_.notify(down());
  ASSERT_EQ(hanging.requests(1).size(), 1u);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(good.requests(1).size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST_F(NotifierTest, EndingDoesNotWaitForAReceiverThatHangs) {
  WebhookServer hanging(WebhookServer::Answers{{.status = 0}});
  const auto begun = [&] {
    Notifier notifier({.vantage = "here", .status_url = ""}, real_clock());
    notifier.set_receivers({receiver(hanging.url())});
    notifier.notify(down());
    EXPECT_EQ(hanging.requests(1).size(), 1u);
    return std::chrono::steady_clock::now();
  }();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(NotifierTest, AReceiverThatComesUpLateStillHearsOfIt) {
  ShutDoor closed;
  const Receiver to{.name = "on-call", .url_file = file("url", "http://" + closed.address() + "/secret-token")};
  notifier_.set_receivers({to});
  notifier_.notify(down());
  ASSERT_TRUE(closed.turn_one_away());
  WebhookServer server;
  file("url", server.url());
  EXPECT_EQ(server.requests(1).size(), 1u);
}

TEST_F(NotifierTest, NothingIsLoggedThatOpensAWebhook) {
  ClosedPort closed;
  WebhookServer refusing(WebhookServer::Answers{{.status = 403, .body = "no service for /secret-token"}});
  auto receivers = std::vector{receiver("http://" + closed.address() + "/secret-token"), receiver(refusing.url())};
  receivers[1].name = "refusing";
  testing::internal::CaptureStderr();
  {
    Notifier notifier({.vantage = "here", .status_url = ""}, real_clock());
    notifier.set_receivers(receivers);
    notifier.notify(down());
    EXPECT_EQ(refusing.requests(1).size(), 1u);
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (notifier.counts()[1].failed == 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(10ms);
    }
  }
  const auto logged = testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("receiver=refusing"));
  EXPECT_THAT(logged, Not(HasSubstr("secret-token")));
}

TEST_F(NotifierTest, ATestMessageSaysWhatIsWrong) {
  WebhookServer server(WebhookServer::Answers{{}, {.status = 403, .body = "invalid_token"}});
  const auto send = [](const Receiver& to) {
    return send_test_notification(to, {.vantage = "here", .status_url = ""}, real_clock(),
                                  Deadline::after(real_clock(), 5s));
  };
  EXPECT_TRUE(send(receiver(server.url())));
  EXPECT_EQ(nlohmann::json::parse(server.requests(1)[0].body)["event"], "test");

  const auto refused = send(receiver(server.url()));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(), HasSubstr("403"));
  EXPECT_THAT(refused.error().text(), HasSubstr("invalid_token"));
  EXPECT_THAT(refused.error().text(), Not(HasSubstr("secret-token")));

  ClosedPort closed;
  const auto unreachable = send(receiver("http://" + closed.address() + "/secret-token"));
  ASSERT_FALSE(unreachable);
  EXPECT_THAT(unreachable.error().text(), HasSubstr("reachable"));
  EXPECT_THAT(unreachable.error().text(), Not(HasSubstr("secret-token")));

  const auto no_file = send({.name = "on-call", .url_file = directory_ + "/none"});
  ASSERT_FALSE(no_file);
  EXPECT_THAT(no_file.error().text(), HasSubstr("/none"));
}

}  // namespace
}  // namespace turnkeeper::monitor
