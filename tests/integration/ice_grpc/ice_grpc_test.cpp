// What application servers are answered, over real gRPC on loopback.
#include "monitor/ice_grpc/ice_grpc.hpp"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "monitor/ice/ice_tables.hpp"
#include "tests/support/certificates.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/v1/ice.grpc.pb.h"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A monitor's core on its one thread, with two regions of one relay each, and the server in front of it.
class IceGrpcTest : public ::testing::Test {
 protected:
  IceGrpcTest() {
    Cluster cluster{.name = "calls"};
    cluster.signing_keys = {{.id = "k1", .secret = Secret("south"), .created = {}}};
    for (const std::string region : {"eu", "us"}) {
      cluster.regions.push_back(
          {.name = region, .backups = {}, .relays = {{.name = region + "-0", .uris = {turn_uri(region + ".test")}}}});
    }
    fleet_.clusters.push_back(std::move(cluster));
  }
  ~IceGrpcTest() override {
    stop();
    work_.reset();
    thread_.join();
  }

  void serve(const Gate::Options& access, std::optional<IceGrpc::Tls> tls = std::nullopt) {
    on_thread([&] {
      auto options = access;
      options.on_change = [this] {
        if (streams_) streams_->keys_changed();
      };
      gate_.emplace(std::move(options), clock_);
      streams_.emplace(*gate_, clock_);
      auto server = IceGrpc::listen(
          {.address = "127.0.0.1:0", .tls = std::move(tls)},
          {.executor = io_.get_executor(),
           .gate = *gate_,
           .make_config = make_config_,
           .hub = hub_,
           .streams = *streams_,
           .issued = [this](const Caller& caller, const std::string& user,
                            const IceConfig&) { issued_.push_back(caller.name + ":" + user); },
           .pushed = [this](const Caller& caller,
                            const Push& push) { issued_.push_back(caller.name + ":" + push.request.user); }});
      ASSERT_TRUE(server) << server.error().text();
      server_ = std::move(*server);
      address_ = server_->address();
    });
  }
  void stop() {
    on_thread([&] { server_.reset(); });
  }
  void verdict(const std::string& relay, api::Verdict verdict) {
    on_thread([&] {
      verdicts_[relay] = verdict;
      tables_.changed();
      hub_.changed();
      while (hub_.work(100).more) {
      }
    });
  }
  // Another key signs, which concerns everybody.
  void rotate() {
    on_thread([&] {
      fleet_.clusters[0].signing_keys[0].id += "+";
      if (fleet_.clusters[0].signing_keys[0].id.size() > 20) fleet_.clusters[0].signing_keys[0].id = "k";
      tables_.changed();
      hub_.changed();
      (void)hub_.work(100);
    });
  }
  // On the monitor's thread, and waited for.
  template <class Work>
  void on_thread(Work&& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::size_t subscribers() {
    std::size_t size = 0;
    on_thread([&] { size = hub_.size(); });
    return size;
  }
  std::vector<std::string> issued() {
    std::vector<std::string> all;
    on_thread([&] { all = issued_; });
    return all;
  }

  std::unique_ptr<v1::Ice::Stub> stub(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials()) const {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // a reader's window stays what it is
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
    return v1::Ice::NewStub(grpc::CreateCustomChannel(address_, credentials, arguments));
  }
  static void set_up(grpc::ClientContext& context, const std::string& key) {
    context.set_deadline(std::chrono::system_clock::now() + 20s);
    if (!key.empty()) context.AddMetadata("authorization", "Bearer " + key);
  }
  struct Answer {
    grpc::Status status;
    v1::GetIceResponse response;
  };
  Answer get(const v1::GetIceRequest& request, const std::string& key = "key") const {
    grpc::ClientContext context;
    set_up(context, key);
    Answer answer;
    answer.status = stub()->Get(&context, request, &answer.response);
    return answer;
  }
  static v1::GetIceRequest asking(const std::vector<std::string>& users, const std::string& session = "") {
    v1::GetIceRequest request;
    request.set_session(session);
    for (const auto& user : users) request.add_ends()->set_user(user);
    return request;
  }
  // A watch that has begun.
  struct Watch {
    std::unique_ptr<v1::Ice::Stub> stub;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::IceConfig>> reader;
    v1::IceConfig next() {
      v1::IceConfig config;
      EXPECT_TRUE(reader->Read(&config)) << reader->Finish().error_message();
      return config;
    }
  };
  std::unique_ptr<Watch> watch(std::uint64_t last_id = 0) {
    auto watch = std::make_unique<Watch>();
    watch->stub = stub();
    set_up(watch->context, "key");
    v1::WatchIceRequest request;
    request.set_session("call-42");
    request.mutable_end()->set_user("alice");
    request.mutable_end()->set_region("eu");
    request.set_last_id(last_id);
    watch->reader = watch->stub->Watch(&watch->context, request);
    return watch;
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_{[this] { io_.run(); }};
  ManualClock clock_;
  Fleet fleet_;
  std::map<std::string, api::Verdict> verdicts_;
  IceTables tables_{[this]() -> const Fleet& { return fleet_; },
                    [this](const RelayId& id) {
                      const auto found = verdicts_.find(id.relay);
                      return found == verdicts_.end() ? api::Verdict::healthy : found->second;
                    },
                    {},
                    clock_};
  const MakeConfig make_config_ = [this](const IceRequest& request) { return tables_.make(request); };
  PushHub hub_{make_config_, [this](const std::string& cluster, UrlHash url) { return tables_.standing(cluster, url); },
               clock_};
  std::optional<Gate> gate_;
  std::optional<AdmittedStreams> streams_;
  std::vector<std::string> issued_;
  std::unique_ptr<IceGrpc> server_;
  std::string address_;
};

const Gate::Options with_key{.key = Secret("key")};

TEST_F(IceGrpcTest, AllEndsOfASessionGetTheirConfigsAtOnce) {
  serve(with_key);
  const auto [status, response] = get(asking({"alice", "bob"}, "call-42"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(response.configs(), SizeIs(2));
  const auto& alice = response.configs(0);
  ASSERT_THAT(alice.servers(), SizeIs(2));
  EXPECT_THAT(alice.servers(0).urls(), ElementsAre("turn:eu.test:3478?transport=udp"));
  EXPECT_THAT(alice.servers(0).username(), testing::EndsWith(":alice"));
  EXPECT_THAT(response.configs(1).servers(0).username(), testing::EndsWith(":bob"));
  EXPECT_EQ(alice.servers(0).credential().size(), 28u);
  EXPECT_EQ(alice.region(), "eu");
  EXPECT_EQ(alice.served_by(), "eu");
  EXPECT_EQ(alice.expires().seconds(), 1'700'000'000 + 86'400);
  EXPECT_LT(alice.refresh().seconds(), alice.expires().seconds());
  EXPECT_THAT(issued(), ElementsAre("key:alice", "key:bob"));
}

TEST_F(IceGrpcTest, HintsOfAnEndAreHeeded) {
  serve(with_key);
  auto request = asking({"alice"});
  auto& end = *request.mutable_ends(0);
  (*end.mutable_round_trips())["eu"].set_nanos(90'000'000);
  (*end.mutable_round_trips())["us"].set_nanos(20'000'000);
  end.mutable_ttl()->set_seconds(600);
  const auto [status, response] = get(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.configs(0).region(), "us");
  EXPECT_EQ(response.configs(0).expires().seconds(), 1'700'000'600);
  // The other end says nothing of where it is.
  request = asking({"alice", "bob"}, "call-42");
  request.mutable_ends(1)->set_region("us");
  const auto both = get(request);
  ASSERT_TRUE(both.status.ok()) << both.status.error_message();
  EXPECT_EQ(both.response.configs(0).servers(0).urls(0), both.response.configs(1).servers(0).urls(0));
}

TEST_F(IceGrpcTest, StrangersGetNothing) {
  serve(with_key);
  for (const std::string key : {"", "kez", "key2"}) {
    const auto [status, response] = get(asking({"alice"}), key);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << key;
    EXPECT_THAT(response.configs(), SizeIs(0));
  }
  const auto open = stub();
  grpc::ClientContext context;
  set_up(context, "kez");
  v1::WatchIceRequest request;
  request.mutable_end()->set_user("alice");
  const auto reader = open->Watch(&context, request);
  v1::IceConfig config;
  EXPECT_FALSE(reader->Read(&config));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(subscribers(), 0u);
}

TEST_F(IceGrpcTest, AKeyThatIsTakenBackEndsItsStreamsAtOnce) {
  serve({});
  on_thread([&] { gate_->set_keys(*ApiKeys::parse(key_line({.name = "shop"}, Secret("key")))); });
  const auto open = watch();
  (void)open->next();
  on_thread([&] { gate_->set_keys(*ApiKeys::parse("")); });
  v1::IceConfig config;
  EXPECT_FALSE(open->reader->Read(&config));
  const auto status = open->reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("not accepted any more"));
}

TEST_F(IceGrpcTest, WhoAsksTooOftenIsToldWhenToAskAgain) {
  serve({.key = Secret("key"), .per_caller = Rate{.per_second = 0.1, .burst = 1}});
  EXPECT_TRUE(get(asking({"alice"})).status.ok());
  grpc::ClientContext context;
  set_up(context, "key");
  v1::GetIceResponse response;
  EXPECT_EQ(stub()->Get(&context, asking({"alice"}), &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(context.GetServerTrailingMetadata().count("retry-after"), 1u);
}

TEST_F(IceGrpcTest, MistakesAreExplained) {
  serve(with_key);
  EXPECT_EQ(get({}).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(get(asking(std::vector<std::string>(101, "alice"))).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(get(asking({"a b"})).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  auto request = asking({"alice"});
  request.set_cluster("mars");
  const auto unknown = get(request).status;
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("choose one of calls"));
  EXPECT_THAT(issued(), IsEmpty());
}

TEST_F(IceGrpcTest, AWatchSeesAFailoverADrainAndTheirReasons) {
  serve(with_key);
  const auto open = watch(41);
  auto config = open->next();
  EXPECT_EQ(config.reason(), v1::IceConfig::START);
  EXPECT_EQ(config.id(), 42u);
  EXPECT_EQ(config.served_by(), "eu");
  verdict("eu-0", api::Verdict::unhealthy);
  config = open->next();
  EXPECT_EQ(config.reason(), v1::IceConfig::FAILOVER);
  EXPECT_EQ(config.id(), 43u);
  EXPECT_EQ(config.served_by(), "us");
  ASSERT_THAT(config.servers(), SizeIs(1));
  EXPECT_THAT(config.servers(0).urls(0), StartsWith("turn:us.test"));
  verdict("us-0", api::Verdict::draining);
  EXPECT_EQ(open->next().reason(), v1::IceConfig::DRAIN);
}

TEST_F(IceGrpcTest, ASlowReaderGetsTheNewest) {
  serve(with_key);
  const auto open = watch();
  EXPECT_EQ(open->next().id(), 1u);
  // Megabytes: more than any window holds.
  constexpr std::uint64_t rotations = 20'000;
  for (std::uint64_t i = 0; i < rotations; ++i) rotate();
  constexpr std::uint64_t last_id = rotations + 1;
  std::uint64_t id = 1;
  std::size_t read = 0;
  while (id != last_id && !HasFailure()) {
    const auto config = open->next();
    EXPECT_GT(config.id(), id) << "older than the one before";
    id = config.id();
    ++read;
  }
  EXPECT_LT(read, last_id / 2) << "a backlog was kept for it";
}

TEST_F(IceGrpcTest, OverTlsWithItsOwnCertificate) {
  const auto folder = std::filesystem::temp_directory_path() / ("ice_grpc_test-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  testbed::Authority authority(folder);
  const auto files = authority.issue({.names = {"localhost"}});
  serve(with_key, IceGrpc::Tls{files.certificate, files.key});
  const auto credentials =
      grpc::SslCredentials({.pem_root_certs = Secret::from_file(authority.file())->reveal() + "\n"});
  grpc::ClientContext context;
  set_up(context, "key");
  v1::GetIceResponse response;
  const auto status = stub(credentials)->Get(&context, asking({"alice"}), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(response.configs(), SizeIs(1));
  std::filesystem::remove_all(folder);
}

TEST_F(IceGrpcTest, ACertificateThatCannotBeUsedIsSaid) {
  on_thread([&] {
    gate_.emplace(with_key, clock_);
    streams_.emplace(*gate_, clock_);
    const auto server =
        IceGrpc::listen({.address = "127.0.0.1:0", .tls = IceGrpc::Tls{"/nonexistent/tls.crt", "/nonexistent/tls.key"}},
                        {io_.get_executor(), *gate_, make_config_, hub_, *streams_, {}, {}});
    ASSERT_FALSE(server);
    EXPECT_THAT(server.error().text(), HasSubstr("/nonexistent/tls.crt"));
  });
}

TEST_F(IceGrpcTest, WhoHangsUpIsForgotten) {
  serve(with_key);
  {
    const auto open = watch();
    (void)open->next();
    EXPECT_EQ(subscribers(), 1u);
    open->context.TryCancel();
    (void)open->reader->Finish();
  }
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (subscribers() > 0 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(subscribers(), 0u);
}

TEST_F(IceGrpcTest, AServerThatStopsSendsItsClientsElsewhere) {
  serve(with_key);
  const auto open = watch();
  (void)open->next();
  stop();
  v1::IceConfig config;
  EXPECT_FALSE(open->reader->Read(&config));
  EXPECT_EQ(open->reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(subscribers(), 0u);
  verdict("eu-0", api::Verdict::unhealthy);  // nobody is there to be told
}

}  // namespace
}  // namespace turnkeeper::monitor
