// Several monitors' exchanges over loopback, each with a thread of its own.
#include "monitor/exchange/exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "certificates.hpp"
#include "mesh_monitor.hpp"
#include "severable_way.hpp"
#include "turnkeeper/api/vantage_identity.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What is logged while it lives, by any thread: stderr leads into a file, which can be read while it is written.
class CapturedLog {
 public:
  CapturedLog() : file_(std::tmpfile()), stderr_(::dup(STDERR_FILENO)) {
    EXPECT_TRUE(file_ && stderr_ >= 0);
    if (file_) ::dup2(::fileno(file_.get()), STDERR_FILENO);
  }
  ~CapturedLog() {
    ::dup2(stderr_, STDERR_FILENO);
    ::close(stderr_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  // Looks again with each batch that `witness` hears, or in vain.
  [[nodiscard]] bool comes_to_say(const std::string& what, MeshMonitor& witness) const {
    return witness.comes_to([&] { return text().find(what) != std::string::npos; });
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0;
         (got = ::pread(::fileno(file_.get()), piece.data(), piece.size(), static_cast<off_t>(all.size()))) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file_;
  const int stderr_;
};

TEST(Exchange, EachHearsWhatEveryOtherSees) {
  MeshMonitor a(MeshMonitor::options("a"));
  MeshMonitor b(MeshMonitor::options("b", {a.address()}));
  a.sees("eu-0", true);
  MeshMonitor c(MeshMonitor::options("c", {a.address(), b.address()}));
  b.sees("eu-0", false, api::Cause::data_path);
  c.sees("eu-0", true);
  EXPECT_TRUE(a.hears("b", "eu-0", false)) << "who is dialled hears nothing of who dials";
  EXPECT_TRUE(a.hears("c", "eu-0", true));
  EXPECT_TRUE(b.hears("a", "eu-0", true)) << "what was seen before the connection was lost";
  EXPECT_TRUE(b.hears("c", "eu-0", true));
  EXPECT_TRUE(c.hears("a", "eu-0", true));
  EXPECT_TRUE(c.hears("b", "eu-0", false));
  b.sees("eu-0", true);
  EXPECT_TRUE(a.hears("b", "eu-0", true));
  EXPECT_TRUE(c.hears("b", "eu-0", true));
  b.sees_no_more("eu-0");
  EXPECT_TRUE(a.hears_nothing_of("b", "eu-0")) << "a relay's ghost keeps its vote";
}

TEST(Exchange, OfTwoStreamsBetweenAPairOneStaysForGood) {
  // Both dial, by addresses known beforehand, and each has its own among them.
  const auto free_address = [] {
    const MeshMonitor unused(MeshMonitor::options("unused"));
    return unused.address();
  };
  const auto at_a = free_address();
  const auto at_b = free_address();
  auto options_a = MeshMonitor::options("a", {at_a, at_b});
  auto options_b = MeshMonitor::options("b", {at_a, at_b});
  options_a.listen = at_a;
  options_b.listen = at_b;
  // A machine that stands still for a moment is no lost connection here.
  options_a.keepalive = options_b.keepalive = options_a.freshness = options_b.freshness = 20s;
  MeshMonitor a(std::move(options_a));
  MeshMonitor b(std::move(options_b));
  a.sees("eu-0", true);
  b.sees("eu-0", true);
  ASSERT_TRUE(a.hears("b", "eu-0", true));
  ASSERT_TRUE(b.hears("a", "eu-0", true));
  EXPECT_LE(a.greetings(), 2) << "it greets itself, or the same peer again and again";
  // Long enough for a dozen attempts.
  const int before = a.greetings() + b.greetings();
  for (int i = 0; i < 3; ++i) {
    b.sees("beat", i % 2 == 0);
    ASSERT_TRUE(a.hears("b", "beat", i % 2 == 0));
    EXPECT_TRUE(b.comes_to([&, until = std::chrono::steady_clock::now() + 200ms] {
      return std::chrono::steady_clock::now() >= until;  // looked at with each heartbeat
    }));
  }
  EXPECT_LE(a.greetings() + b.greetings(), before + 2);
  EXPECT_THAT(a.connected(), ElementsAre("b"));
  EXPECT_THAT(b.connected(), ElementsAre("a"));
}

TEST(Exchange, TwoOfTheSameNameRefuseEachOther) {
  MeshMonitor a(MeshMonitor::options("a"));
  MeshMonitor witness(MeshMonitor::options("w", {a.address()}));
  a.sees("eu-0", true);
  ASSERT_TRUE(witness.hears("a", "eu-0", true));
  CapturedLog log;
  MeshMonitor twin(MeshMonitor::options("a", {a.address(), witness.address()}));
  twin.sees("eu-0", false);
  witness.sees("eu-1", true);
  EXPECT_TRUE(a.hears("w", "eu-1", true));
  a.sees("eu-2", true);
  EXPECT_TRUE(witness.hears("a", "eu-2", true));
  EXPECT_TRUE(witness.hears("a", "eu-0", true)) << "the twin's opinion took the place of the first's";
  EXPECT_FALSE(a.knows("a"));
  const std::string reason = "two monitors have the vantage name a; give each its own with --vantage";
  EXPECT_TRUE(log.comes_to_say("another monitor is refused", a));
  EXPECT_TRUE(log.comes_to_say("no connection to another monitor", a)) << "the twin does not learn why";
  EXPECT_THAT(log.text(), HasSubstr(reason));
}

TEST(Exchange, ARestartedMonitorIsToldWhatTheOthersRemember) {
  const RelayMemory flapping{.id = MeshMonitor::relay("eu-0"),
                             .verdict = api::Verdict::unhealthy,
                             .cause = api::Cause::data_path,
                             .since = std::chrono::steady_clock::now() - 300s,
                             .falls = 5};
  MeshMonitor a(MeshMonitor::options("a"), {flapping});
  a.sees("eu-0", false);
  auto b = std::make_unique<MeshMonitor>(MeshMonitor::options("b", {a.address()}));
  b->sees("eu-0", true);
  b->sees("eu-1", true);
  ASSERT_TRUE(a.hears("b", "eu-1", true));
  b.reset();
  ASSERT_TRUE(a.loses("b"));
  b = std::make_unique<MeshMonitor>(MeshMonitor::options("b", {a.address()}));
  ASSERT_TRUE(b->hears("a", "eu-0", false));
  const auto told = b->memories();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].verdict, api::Verdict::unhealthy);
  EXPECT_EQ(told[0].falls, 5) << "a flapping relay would be taken back at once";
  EXPECT_NEAR(std::chrono::duration<double>(std::chrono::steady_clock::now() - told[0].since).count(), 300, 20);
  EXPECT_EQ(a.count_of("b"), 0U) << "what the dead process saw lives on";
}

TEST(Exchange, AMonitorThatStopsSaysGoodbye) {
  auto options = MeshMonitor::options("a");
  options.freshness = 60s;
  MeshMonitor a(std::move(options));
  {
    MeshMonitor b(MeshMonitor::options("b", {a.address()}));
    b.sees("eu-0", false);
    ASSERT_TRUE(a.hears("b", "eu-0", false));
  }
  EXPECT_TRUE(a.loses("b")) << "its last opinion would count for a minute";
}

TEST(Exchange, SplitIntoHalvesEachKeepsItsOwnAndHealsWhole) {
  MeshMonitor a(MeshMonitor::options("a"));
  MeshMonitor b(MeshMonitor::options("b", {a.address()}));
  SeverableWay to_a(a.address());
  SeverableWay to_b(b.address());
  MeshMonitor c(MeshMonitor::options("c", {to_a.address(), to_b.address()}));
  MeshMonitor d(MeshMonitor::options("d", {to_a.address(), to_b.address(), c.address()}));
  std::map<std::string, MeshMonitor*> all = {{"a", &a}, {"b", &b}, {"c", &c}, {"d", &d}};
  for (auto& [name, monitor] : all) monitor->sees("eu-0", true);
  const auto is_whole = [&](bool usable) {
    for (auto& [name, monitor] : all) {
      for (const auto& [other, unused] : all) {
        if (other != name && !monitor->hears(other, "eu-0", usable)) return false;
      }
    }
    return true;
  };
  ASSERT_TRUE(is_whole(true));

  to_a.sever();
  to_b.sever();
  for (auto* near : {&a, &b}) {
    EXPECT_TRUE(near->loses("c"));
    EXPECT_TRUE(near->loses("d"));
  }
  for (auto* far : {&c, &d}) {
    EXPECT_TRUE(far->loses("a"));
    EXPECT_TRUE(far->loses("b"));
  }
  EXPECT_TRUE(a.knows("b"));
  EXPECT_TRUE(d.knows("c"));
  for (auto& [name, monitor] : all) monitor->sees("eu-0", false);  // unheard across the gap
  ASSERT_TRUE(a.hears("b", "eu-0", false));

  to_a.heal();
  to_b.heal();
  EXPECT_TRUE(is_whole(false)) << "what changed during the split never arrived";
}

TEST(Exchange, AMonitorWhoseThreadStandsStillIsForgottenAndHoldsNobodyUp) {
  MeshMonitor a(MeshMonitor::options("a"));
  MeshMonitor frozen(MeshMonitor::options("frozen", {a.address()}));
  MeshMonitor c(MeshMonitor::options("c", {a.address(), frozen.address()}));
  frozen.sees("eu-0", true);
  ASSERT_TRUE(a.hears("frozen", "eu-0", true));
  {
    const auto ice = frozen.freeze();
    // Far more than any window or buffer holds.
    for (int i = 0; i < 20'000; ++i) a.sees("eu-" + std::to_string(i % 500), i % 3 == 0);
    a.sees("last", true);
    EXPECT_TRUE(c.hears("a", "last", true)) << "a slow peer holds up the others";
    EXPECT_TRUE(a.loses("frozen")) << "it answers pings and sees nothing";
  }
  EXPECT_TRUE(frozen.hears("a", "last", true));
  EXPECT_TRUE(frozen.hears("a", "eu-499", 19'999 % 3 == 0));
  EXPECT_TRUE(a.hears("frozen", "eu-0", true));
}

TEST(Exchange, ThePeersClocksAreComparedWithOurs) {
  MeshMonitor a(MeshMonitor::options("a"));
  EXPECT_FALSE(a.clock_difference());
  MeshMonitor b(MeshMonitor::options("b", {a.address()}));
  b.sees("eu-0", true);
  ASSERT_TRUE(a.hears("b", "eu-0", true));
  EXPECT_LT(std::chrono::abs(*a.clock_difference()), 5s);
}

class ExchangeTls : public testing::Test {
 protected:
  static MeshMonitor::Options with(Exchange::Tls files, std::string vantage, std::vector<std::string> peers = {}) {
    auto options = MeshMonitor::options(std::move(vantage), std::move(peers));
    options.tls = std::move(files);
    return options;
  }
  const Certificates ours{"ours"};
};

TEST_F(ExchangeTls, MonitorsProveToEachOtherWhoTheyAre) {
  const auto files = ours.issue("turnkeeper-monitor");
  MeshMonitor a(with(files, "a"));
  MeshMonitor b(with(files, "b", {a.address()}));
  a.sees("eu-0", true);
  b.sees("eu-0", true);
  EXPECT_TRUE(a.hears("b", "eu-0", true));
  EXPECT_TRUE(b.hears("a", "eu-0", true));
}

TEST_F(ExchangeTls, AStrangersAuthorityIsRefusedUntilTheFilesAreReplaced) {
  const Certificates theirs{"theirs"};
  const auto good = ours.issue("turnkeeper-monitor");
  const auto files = theirs.issue("turnkeeper-monitor");
  MeshMonitor a(with(good, "a"));
  MeshMonitor witness(with(good, "w", {a.address()}));
  {
    CapturedLog log;
    MeshMonitor refused(with(files, "b", {a.address()}));
    EXPECT_TRUE(log.comes_to_say("a TLS handshake of gRPC failed", witness)) << log.text();
    EXPECT_TRUE(log.comes_to_say("no connection to another monitor", witness)) << log.text();
    EXPECT_THAT(log.text(), HasSubstr("certificate verify failed"));
    EXPECT_FALSE(a.knows("b"));
  }
  MeshMonitor b(with(files, "b", {a.address()}));
  b.sees("eu-0", true);
  for (const auto& [from, to] : {std::pair(good.certificate, files.certificate), std::pair(good.key, files.key),
                                 std::pair(good.authority, files.authority)}) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_TRUE(a.hears("b", "eu-0", true)) << "a renewed certificate needs a restart";
}

TEST_F(ExchangeTls, ACertificateOfTheSameAuthorityThatIsNoMonitorsIsTurnedAway) {
  MeshMonitor a(with(ours.issue("turnkeeper-monitor"), "a"));
  MeshMonitor witness(with(ours.issue("turnkeeper-monitor"), "w", {a.address()}));
  CapturedLog log;
  MeshMonitor other(with(ours.issue("turnkeeper-operator"), "other", {a.address()}));
  EXPECT_TRUE(log.comes_to_say("no connection to another monitor", witness)) << log.text();
  EXPECT_FALSE(a.knows("other"));
  EXPECT_FALSE(other.knows("a"));
}

// Whoever of the two has dialled.
TEST_F(ExchangeTls, AVantageHearsAndIsBelievedAboutItsOwnTurnClusterOnly) {
  const auto main_files = ours.issue("turnkeeper-monitor");
  const auto vantage_files = ours.issue("turnkeeper-monitor", api::vantage_uri("ns/a/us"));
  const std::vector<RelayMemory> memory = {{.id = MeshMonitor::relay("ns/b:eu-0"), .verdict = api::Verdict::unhealthy},
                                           {.id = MeshMonitor::relay("ns/a:eu-0"), .verdict = api::Verdict::unhealthy}};
  for (const bool vantage_dials : {true, false}) {
    std::unique_ptr<MeshMonitor> main, vantage;
    const auto start_main = [&](std::vector<std::string> peers) {
      main = std::make_unique<MeshMonitor>(with(main_files, "main", std::move(peers)), memory);
    };
    const auto start_vantage = [&](std::vector<std::string> peers) {
      vantage = std::make_unique<MeshMonitor>(with(vantage_files, "ns/a/us", std::move(peers)), memory);
    };
    if (vantage_dials) {
      start_main({});
      start_vantage({main->address()});
    } else {
      start_vantage({});
      start_main({vantage->address()});
    }
    for (const char* relay : {"ns/b:eu-0", "ns/a:eu-0"}) {
      main->sees(relay, true);
      vantage->sees(relay, false);
    }
    EXPECT_TRUE(main->hears("ns/a/us", "ns/a:eu-0", false));
    EXPECT_EQ(main->count_of("ns/a/us"), 1u) << "it can take another TurnCluster's relays out of service";
    EXPECT_TRUE(vantage->hears("main", "ns/a:eu-0", true));
    EXPECT_EQ(vantage->count_of("main"), 1u) << "it is told of another TurnCluster's relays";
    for (auto* one : {main.get(), vantage.get()}) {
      ASSERT_EQ(one->memories().size(), 1u);
      EXPECT_EQ(one->memories().front().id.cluster, "ns/a");
    }
  }
}

TEST_F(ExchangeTls, AVantageSpeaksUnderItsOwnNameOnly) {
  const auto files = ours.issue("turnkeeper-monitor");
  MeshMonitor main(with(files, "main"));
  MeshMonitor witness(with(files, "w", {main.address()}));
  CapturedLog log;
  MeshMonitor posing(with(ours.issue("turnkeeper-monitor", api::vantage_uri("ns/a/us")), "paris", {main.address()}));
  EXPECT_TRUE(log.comes_to_say("the vantage ns/a/us", witness)) << log.text();
  EXPECT_FALSE(main.knows("paris"));
}

TEST_F(ExchangeTls, ACertificateWithoutANameIsAMistakeThatIsSaidAtTheStart) {
  auto files = ours.issue("turnkeeper-monitor");
  files.certificate = files.authority;
  boost::asio::io_context io;
  const auto wrong = Exchange::start(io.get_executor(), with(files, "a"), {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().text(), HasSubstr("private key"));
  files.key = "/nonexistent.key";
  EXPECT_THAT(Exchange::start(io.get_executor(), with(files, "a"), {}).error().text(), HasSubstr("/nonexistent.key"));
}

TEST(Exchange, MistakesAreSaidAtTheStart) {
  boost::asio::io_context io;
  const auto refusal = [&](Exchange::Options options) {
    const auto started = Exchange::start(io.get_executor(), std::move(options), {});
    return started ? "started" : started.error().text();
  };
  MeshMonitor a(MeshMonitor::options("a"));
  auto taken = MeshMonitor::options("b");
  taken.listen = a.address();
  EXPECT_THAT(refusal(taken), HasSubstr("--exchange-listen"));
  EXPECT_THAT(refusal(MeshMonitor::options("")), HasSubstr("--vantage"));
  auto dns = MeshMonitor::options("b");
  dns.peers_dns = "monitors";
  EXPECT_THAT(refusal(dns), HasSubstr("\"monitors\" is not NAME:PORT"));
}

TEST(Exchange, ANameWithSeveralAddressesIsDialledAtEachAndAtItselfNot) {
  MeshMonitor a(MeshMonitor::options("a"));
  auto options = MeshMonitor::options("b");
  options.peers_dns = "localhost:" + a.address().substr(a.address().rfind(':') + 1);
  MeshMonitor b(std::move(options));
  b.sees("eu-0", true);
  EXPECT_TRUE(a.hears("b", "eu-0", true));
}

// Five vantages, a thousand relays, nothing changes.
TEST(Exchange, AMeshAtRestCostsNextToNothing) {
  const auto unhurried = [](std::string vantage, std::vector<std::string> peers = {}) {
    return Exchange::Options{.vantage = std::move(vantage), .listen = "127.0.0.1:0", .peers = std::move(peers)};
  };
  MeshMonitor a(unhurried("a"));
  SeverableWay to_a(a.address());
  std::vector<std::unique_ptr<MeshMonitor>> others;
  std::vector<std::string> addresses = {to_a.address()};
  for (const auto* name : {"b", "c", "d", "e"}) {
    others.push_back(std::make_unique<MeshMonitor>(unhurried(name, addresses)));
    addresses.push_back(others.back()->address());
  }
  for (int relay = 0; relay < 1'000; ++relay) {
    a.sees("eu-" + std::to_string(relay), true);
    for (auto& other : others) other->sees("eu-" + std::to_string(relay), true);
  }
  for (const auto* name : {"b", "c", "d", "e"}) ASSERT_TRUE(a.hears(name, "eu-999", true));
  for (auto& other : others) ASSERT_TRUE(other->hears("a", "eu-999", true));
  const auto changes = a.changes_heard();
  const auto cpu = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const auto bytes_before = to_a.bytes();
  const auto cpu_before = cpu();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(a.comes_to([&] { return std::chrono::steady_clock::now() - began > 3s; }));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double bytes = static_cast<double>(to_a.bytes() - bytes_before) / seconds / 4;
  const double load = std::chrono::duration<double>(cpu() - cpu_before).count() / seconds / 5;
  std::printf("at rest, 1000 relays, 5 vantages: %.0f bytes/s for each pair, %.2f %% of a core for each monitor\n",
              bytes, load * 100);
  EXPECT_LT(bytes, 1'000);
  EXPECT_EQ(a.changes_heard(), changes);
}

}  // namespace
}  // namespace turnkeeper::monitor
