#include "monitor/target/operator_link.hpp"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/v1/health.grpc.pb.h"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

v1::TargetSet targets_of(const std::string& relay) {
  v1::TargetSet targets;
  auto& cluster = *targets.add_clusters();
  cluster.set_cluster("calls");
  auto& region = *cluster.add_regions();
  region.set_name("eu");
  auto& to = *region.add_relays();
  to.set_name(relay);
  to.add_uris("turn:192.0.2.1:3478?transport=udp");
  return targets;
}

// A certificate authority with one certificate, good for both ends.
class Certificates {
 public:
  Certificates() {
    std::filesystem::create_directories(folder_);
    openssl("ca", {"-subj", "/CN=test authority"});
    openssl("tls", {"-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-CA", path("ca.crt"), "-CAkey",
                    path("ca.key")});
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] OperatorLink::Tls files() const { return {path("tls.crt"), path("tls.key"), path("ca.crt")}; }
  [[nodiscard]] std::shared_ptr<grpc::ServerCredentials> server() const {
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = read("ca.crt");
    options.pem_key_cert_pairs = {{read("tls.key"), read("tls.crt")}};
    return grpc::SslServerCredentials(options);
  }

 private:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string read(const std::string& name) const {
    return Secret::from_file(path(name)).value_or(Secret()).reveal() + "\n";
  }
  void openssl(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> argv = {"openssl",
                                     "req",
                                     "-x509",
                                     "-newkey",
                                     "ec",
                                     "-pkeyopt",
                                     "ec_paramgen_curve:P-256",
                                     "-nodes",
                                     "-days",
                                     "2",
                                     "-keyout",
                                     path(name + ".key"),
                                     "-out",
                                     path(name + ".crt")};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto output = run_command(argv, Deadline::after(real_clock(), 20s));
    if (!output || output->status != 0) ADD_FAILURE() << (output ? output->text : output.error().text());
  }
  const std::string folder_ = testing::TempDir() + "operator-link-" + std::to_string(getpid());
};

// An operator on a real gRPC server. Everything waits for something to have happened, up to a limit.
class Operator : v1::Targets::Service, v1::Health::Service {
 public:
  explicit Operator(int port = 0,
                    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials()) {
    int bound = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), std::move(credentials), &bound);
    builder.RegisterService(static_cast<v1::Targets::Service*>(this));
    builder.RegisterService(static_cast<v1::Health::Service*>(this));
    server_ = builder.BuildAndStart();
    port_ = bound;
  }
  ~Operator() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void say(const v1::TargetSet& targets) {
    const std::lock_guard lock(mutex_);
    targets_ = targets;
    ++version_;
    changed_.notify_all();
  }
  // The newest report that satisfies; before the monitor knows of any relay, its reports name none.
  template <class Predicate>
  bool hears(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] {
      return !reports_.empty() && !reports_.back().relays().empty() && predicate(reports_.back());
    });
  }
  bool hears_more_reports(std::size_t count) {
    std::unique_lock lock(mutex_);
    const auto enough = reports_.size() + count;
    return changed_.wait_for(lock, 20s, [&] { return reports_.size() >= enough; });
  }
  std::size_t reports() {
    const std::lock_guard lock(mutex_);
    return reports_.size();
  }
  std::string vantage() {
    const std::lock_guard lock(mutex_);
    return vantage_;
  }

 private:
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchTargetsRequest* request,
                     grpc::ServerWriter<v1::TargetSet>* writer) override {
    std::unique_lock lock(mutex_);
    vantage_ = request->vantage();
    for (int sent = 0; !closing_ && !context->IsCancelled();) {
      if (sent != version_) {
        sent = version_;
        const auto targets = targets_;
        lock.unlock();
        writer->Write(targets);
        lock.lock();
      }
      changed_.wait_for(lock, 20ms);
    }
    return grpc::Status::OK;
  }
  grpc::Status Report(grpc::ServerContext*, grpc::ServerReader<v1::HealthReport>* reader, v1::HealthAck*) override {
    v1::HealthReport report;
    while (reader->Read(&report)) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(report);
      changed_.notify_all();
    }
    return grpc::Status::OK;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closing_ = false;
  int version_ = 0;
  v1::TargetSet targets_;
  std::string vantage_;
  std::vector<v1::HealthReport> reports_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// What the link delivers.
class Receiver {
 public:
  OperatorLink::OnFleet callback() {
    return [this](Fleet fleet) {
      const std::lock_guard lock(mutex_);
      fleet_ = std::move(fleet);
      changed_.notify_all();
    };
  }
  bool gets(const std::string& relay) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, 20s, [&] { return !fleet_.clusters.empty() && fleet_.clusters[0].regions[0].relays[0].name == relay; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Fleet fleet_;
};

OperatorLink::Options options_for(const std::string& address) {
  return {.address = address,
          .vantage = "eu",
          .tls = {},
          .first_backoff = 10ms,
          .longest_backoff = 100ms,
          .shortest_report = 20ms,
          .longest_report = 200ms};
}

FleetReport health(api::Verdict verdict) {
  return {.relays = {{{"calls", "eu", "eu-0"}, verdict, api::Cause::connect_timeout, SystemTime(1'700'000'000s), {}}},
          .providers = {}};
}

TEST(OperatorLinkTest, WhatIsKnownOfARelayArrivesWhole) {
  Operator op;
  op.say(targets_of("eu-0"));
  Receiver receiver;
  const auto link = OperatorLink::start(options_for(op.address()), receiver.callback());
  ASSERT_TRUE(link);
  auto known = health(api::Verdict::healthy);
  auto& facts = known.relays[0].facts;
  facts.keys = {{"k2", {true, SystemTime(1'700'000'001s)}}, {"k0", {false, SystemTime(1'700'000'002s)}}};
  facts.certificate = CertificateSeen{"0a1b", SystemTime(1'800'000'000s)};
  facts.agent = AgentState{.sessions = 3,
                           .sent_bytes = 10,
                           .received_bytes = {},
                           .bits_per_second = 8,
                           .keys = {"k1", "k2"},
                           .config_hash = "9f86",
                           .version = "4.18.0",
                           .draining = true,
                           .starts = 2,
                           .certificate_serial = "0a1b"};
  (*link)->report(known);
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) { return report.relays(0).keys_size() == 2; }));
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) {
    const auto& relay = report.relays(0);
    const auto& agent = relay.agent();
    return relay.keys(0).key() == "k0" && !relay.keys(0).accepted() && relay.keys(1).accepted() &&
           relay.keys(1).at().seconds() == 1'700'000'001 && relay.certificate().serial() == "0a1b" &&
           relay.certificate().not_after().seconds() == 1'800'000'000 && agent.sessions() == 3 &&
           agent.sent_bytes() == 10 && !agent.has_received_bytes() && agent.bits_per_second() == 8 &&
           agent.keys_size() == 2 && agent.config_hash() == "9f86" && agent.version() == "4.18.0" && agent.draining() &&
           agent.starts() == 2 && agent.certificate_serial() == "0a1b";
  }));
}

// Sessions change all the time, with a thousand relays in each report.
TEST(OperatorLinkTest, NumbersWaitForAReportThatIsDueAndNewsDoNot) {
  Operator op;
  op.say(targets_of("eu-0"));
  Receiver receiver;
  auto options = options_for(op.address());
  options.numbers_report = options.longest_report = 1h;
  const auto link = OperatorLink::start(options, receiver.callback());
  ASSERT_TRUE(link);
  auto known = health(api::Verdict::healthy);
  auto& facts = known.relays[0].facts;
  facts.agent = AgentState{.sessions = 1};
  (*link)->report(known);
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) { return report.relays(0).agent().sessions() == 1; }));
  const auto so_far = op.reports();
  facts.agent->sessions = 2;
  (*link)->report(known);
  facts.keys["k2"] = {true, SystemTime(1'700'000'001s)};
  (*link)->report(known);
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) { return report.relays(0).keys_size() == 1; }));
  EXPECT_EQ(op.reports(), so_far + 1) << "the number came with the news";
}

TEST(OperatorLinkTest, TheOperatorHearsOfAProviderThatGivesNothing) {
  Operator op;
  op.say(targets_of("eu-0"));
  Receiver receiver;
  auto options = options_for(op.address());
  options.numbers_report = options.longest_report = 1h;
  const auto link = OperatorLink::start(options, receiver.callback());
  ASSERT_TRUE(link);
  auto known = health(api::Verdict::healthy);
  known.providers = {{.cluster = "calls", .name = "twilio", .verdict = api::Verdict::healthy}};
  (*link)->report(known);
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) { return report.providers_size() == 1; }));
  known.providers[0] = {"calls", "twilio", api::Verdict::unhealthy, api::Cause::auth_secret, "the API answered 401"};
  (*link)->report(known);
  EXPECT_TRUE(op.hears([](const v1::HealthReport& report) {
    const auto& provider = report.providers(0);
    return provider.cluster() == "calls" && provider.provider() == "twilio" && provider.verdict() == "Unhealthy" &&
           provider.cause() == "auth-secret" && provider.trouble() == "the API answered 401";
  }));
}

TEST(OperatorLinkTest, TheOperatorHearsAtOnceInWhichOrderBackupsServe) {
  Operator op;
  op.say(targets_of("eu-0"));
  Receiver receiver;
  auto options = options_for(op.address());
  options.numbers_report = options.longest_report = 1h;
  const auto link = OperatorLink::start(options, receiver.callback());
  ASSERT_TRUE(link);
  auto known = health(api::Verdict::healthy);
  (*link)->report(known);
  ASSERT_TRUE(op.hears([](const v1::HealthReport& report) { return report.relays_size() == 1; }));
  known.orders = {{"calls", "eu", {"us", "asia"}}};
  (*link)->report(known);
  EXPECT_TRUE(op.hears([](const v1::HealthReport& report) {
    if (report.orders_size() != 1) return false;
    const auto& order = report.orders(0);
    return order.cluster() == "calls" && order.region() == "eu" && order.nearest_size() == 2 &&
           order.nearest(0) == "us";
  }));
}

TEST(OperatorLinkTest, TargetsComeAtConnectAndAfterEachChange) {
  Operator server;
  server.say(targets_of("eu-0"));
  Receiver receiver;
  const auto link = OperatorLink::start(options_for(server.address()), receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_TRUE(receiver.gets("eu-0"));
  EXPECT_EQ(server.vantage(), "eu");
  server.say(targets_of("eu-1"));
  EXPECT_TRUE(receiver.gets("eu-1"));
}

TEST(OperatorLinkTest, TheOperatorHearsOfADeadRelayAndOfNothingNewAsASignOfLife) {
  Operator server;
  server.say(targets_of("eu-0"));
  Receiver receiver;
  const auto link = OperatorLink::start(options_for(server.address()), receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  (*link)->report(health(api::Verdict::healthy));
  ASSERT_TRUE(server.hears([](const auto& report) { return report.relays_size() == 1; }));
  (*link)->report(health(api::Verdict::unhealthy));
  EXPECT_TRUE(server.hears([](const auto& report) {
    return report.vantage() == "eu" && report.relays(0).verdict() == "Unhealthy" &&
           report.relays(0).cause() == "connect-timeout" && report.relays(0).since().seconds() == 1'700'000'000;
  }));
  EXPECT_TRUE(server.hears_more_reports(2));
}

TEST(OperatorLinkTest, AnOperatorThatComesBackIsFoundAgainAndToldEverything) {
  Receiver receiver;
  auto first = std::make_unique<Operator>();
  first->say(targets_of("eu-0"));
  const int port = first->port();
  const auto link = OperatorLink::start(options_for(first->address()), receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  ASSERT_TRUE(receiver.gets("eu-0"));
  (*link)->report(health(api::Verdict::unhealthy));
  first.reset();

  Operator second(port);
  second.say(targets_of("eu-2"));
  EXPECT_TRUE(receiver.gets("eu-2"));
  EXPECT_TRUE(second.hears([](const auto& report) { return report.relays_size() == 1; }))
      << "the newest health was not sent again";
}

TEST(OperatorLinkTest, TargetsThatMakeNoSenseChangeNothing) {
  Operator server;
  server.say(targets_of("eu-0"));
  Receiver receiver;
  const auto link = OperatorLink::start(options_for(server.address()), receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  ASSERT_TRUE(receiver.gets("eu-0"));
  auto broken = targets_of("eu-1");
  broken.mutable_clusters(0)->mutable_regions(0)->mutable_relays(0)->clear_uris();
  server.say(broken);
  server.say(targets_of("eu-2"));
  EXPECT_TRUE(receiver.gets("eu-2")) << "the stream ended over one bad message";
}

TEST(OperatorLinkTest, AbsentOperatorNeitherBlocksTheStartNorTheEnd) {
  Receiver receiver;
  int unused = 0;
  {
    const Operator gone;
    unused = gone.port();
  }
  const auto link = OperatorLink::start(options_for("127.0.0.1:" + std::to_string(unused)), receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_FALSE((*link)->connected());
}

TEST(OperatorLinkTest, BothEndsProveWhoTheyAre) {
  const Certificates certificates;
  Operator server(0, certificates.server());
  server.say(targets_of("eu-0"));
  Receiver receiver;
  auto options = options_for(server.address());
  options.tls = certificates.files();
  const auto link = OperatorLink::start(options, receiver.callback());
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_TRUE(receiver.gets("eu-0"));
}

TEST(OperatorLinkTest, AMissingCertificateIsToldAtTheStart) {
  auto options = options_for("127.0.0.1:1");
  options.tls = OperatorLink::Tls{"/nonexistent/tls.crt", "/nonexistent/tls.key", "/nonexistent/ca.crt"};
  const auto link = OperatorLink::start(options, [](const Fleet&) {});
  ASSERT_FALSE(link);
  EXPECT_NE(link.error().text().find("/nonexistent/tls.crt"), std::string::npos);
}

}  // namespace
}  // namespace turnkeeper::monitor
