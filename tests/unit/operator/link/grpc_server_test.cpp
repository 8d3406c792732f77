// The operator's side of the link, spoken to as a monitor does: over TCP on loopback, with and without TLS.
#include "operator/link/grpc_server.hpp"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/child_process.hpp"
#include "turnkeeper/v1/health.grpc.pb.h"
#include "turnkeeper/v1/targets.grpc.pb.h"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

v1::ClusterTargets targets(const std::string& cluster, const std::string& realm) {
  v1::ClusterTargets out;
  out.set_cluster(cluster);
  out.set_realm(realm);
  return out;
}

void set_deadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + 20s);
}

class GrpcServerTest : public ::testing::Test {
 protected:
  void serve(std::optional<MutualTls> tls = std::nullopt) {
    auto started = GrpcServer::listen({.address = "127.0.0.1:0", .tls = std::move(tls)}, board, health);
    ASSERT_TRUE(started) << started.error().text();
    server = std::move(*started);
  }
  std::shared_ptr<grpc::Channel> channel(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("localhost");
    return grpc::CreateCustomChannel("ipv4:127.0.0.1:" + std::to_string(server->port()), credentials, arguments);
  }
  // Until a report about this cluster was taken in.
  bool wait_for_report(const std::string& cluster) {
    std::unique_lock lock(mutex);
    return reported.wait_for(lock, 20s, [&] { return last_reported == cluster; });
  }

  TargetBoard board;
  std::mutex mutex;
  std::condition_variable reported;
  std::string last_reported;
  HealthBoard health{real_clock(), [this](const std::string& cluster) {
                       std::lock_guard lock(mutex);
                       last_reported = cluster;
                       reported.notify_all();
                     }};
  std::unique_ptr<GrpcServer> server;
};

TEST_F(GrpcServerTest, AMonitorGetsTheWholeSetAndThenEachChange) {
  serve();
  board.publish(targets("ns/a", "first"));
  board.open();
  auto stub = v1::Targets::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  v1::WatchTargetsRequest request;
  request.set_vantage("paris");
  auto stream = stub->Watch(&context, request);
  v1::TargetSet set;
  ASSERT_TRUE(stream->Read(&set));
  EXPECT_EQ(set.clusters(0).realm(), "first");
  board.publish(targets("ns/a", "second"));
  ASSERT_TRUE(stream->Read(&set));
  EXPECT_EQ(set.clusters(0).realm(), "second");
  context.TryCancel();
}

TEST_F(GrpcServerTest, AMonitorOfOneClusterHearsNothingOfOthers) {
  serve();
  board.publish(targets("ns/a", "first"));
  board.publish(targets("ns/b", "theirs"));
  board.open();
  auto stub = v1::Targets::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  v1::WatchTargetsRequest request;
  request.set_cluster("ns/a");
  auto stream = stub->Watch(&context, request);
  v1::TargetSet set;
  ASSERT_TRUE(stream->Read(&set));
  ASSERT_EQ(set.clusters_size(), 1);
  EXPECT_EQ(set.clusters(0).realm(), "first");
  board.publish(targets("ns/b", "theirs, changed"));
  board.publish(targets("ns/a", "second"));
  ASSERT_TRUE(stream->Read(&set));
  ASSERT_EQ(set.clusters_size(), 1);
  EXPECT_EQ(set.clusters(0).realm(), "second") << "a change of another cluster is no news";
  context.TryCancel();
}

TEST_F(GrpcServerTest, ASlowMonitorGetsTheNewestNotTheHistory) {
  serve();
  board.open();
  auto stub = v1::Targets::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  auto stream = stub->Watch(&context, {});
  v1::TargetSet set;
  ASSERT_TRUE(stream->Read(&set));
  // Large enough that the connection's window holds few of them while nobody reads.
  const std::string bulk(1 << 20, 'x');
  for (int i = 1; i <= 100; ++i) board.publish(targets("ns/a", std::to_string(i) + bulk));
  int received = 0;
  std::string last;
  while (!last.starts_with("100x") && stream->Read(&set)) {
    last = set.clusters(0).realm().substr(0, 5);
    ++received;
  }
  EXPECT_TRUE(last.starts_with("100x"));
  EXPECT_LT(received, 50);
  context.TryCancel();
}

TEST_F(GrpcServerTest, TakesInHealthReports) {
  serve();
  auto stub = v1::Health::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  v1::HealthAck ack;
  auto stream = stub->Report(&context, &ack);
  v1::HealthReport report;
  report.set_vantage("paris");
  auto* relay = report.add_relays();
  relay->set_cluster("ns/a");
  relay->set_relay("eu-0");
  relay->set_verdict("Healthy");
  ASSERT_TRUE(stream->Write(report));
  EXPECT_TRUE(wait_for_report("ns/a"));
  ASSERT_TRUE(stream->WritesDone());
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(health.reports("ns/a").at(0).vantage, "paris");
}

TEST_F(GrpcServerTest, RefusesAReportOfNobody) {
  serve();
  auto stub = v1::Health::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  v1::HealthAck ack;
  auto stream = stub->Report(&context, &ack);
  stream->Write(v1::HealthReport());
  stream->WritesDone();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcServerTest, StoppingTellsMonitorsToLookForTheNextOperator) {
  serve();
  board.open();
  auto stub = v1::Targets::NewStub(channel());
  grpc::ClientContext context;
  set_deadline(context);
  auto stream = stub->Watch(&context, {});
  v1::TargetSet set;
  ASSERT_TRUE(stream->Read(&set));
  const SteadyTime begin = real_clock().steady();
  server.reset();
  EXPECT_LT(real_clock().steady() - begin, 5s);
  EXPECT_FALSE(stream->Read(&set));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, AnAddressInUseIsAnError) {
  serve();
  auto second =
      GrpcServer::listen({.address = "127.0.0.1:" + std::to_string(server->port()), .tls = {}}, board, health);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().advice, HasSubstr("--grpc-listen"));
}

// Certificates made for one test run: an authority, a server, a monitor, and a monitor of another authority.
class GrpcTlsTest : public GrpcServerTest {
 protected:
  void SetUp() override {
    directory = ::testing::TempDir() + "turnkeeper-link-" + std::to_string(::getpid());
    std::filesystem::create_directories(directory);
    make_authority("ca");
    make_authority("other-ca");
    issue("server", "ca");
    issue("monitor", "ca");
    issue("stranger", "other-ca");
    issue("vantage", "ca", ",URI:" + api::vantage_uri("ns/a/us"));
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    auto done = run_command(arguments, Deadline::after(real_clock(), 60s));
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_EQ(done->status, 0) << done->text;
  }
  void make_authority(const std::string& name) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
             "-subj", "/CN=" + name, "-keyout", path(name + ".key"), "-out", path(name + ".crt")});
  }
  void issue(const std::string& name, const std::string& authority, const std::string& more_names = "") {
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
             "-addext", "subjectAltName=DNS:localhost" + more_names, "-keyout", path(name + ".key"), "-out",
             path(name + ".csr")});
    openssl({"x509", "-req", "-in", path(name + ".csr"), "-CA", path(authority + ".crt"), "-CAkey",
             path(authority + ".key"), "-CAcreateserial", "-copy_extensions", "copy", "-days", "1", "-out",
             path(name + ".crt")});
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory + "/" + name; }
  [[nodiscard]] std::string contents(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  [[nodiscard]] MutualTls files() const { return {path("server.crt"), path("server.key"), path("ca.crt")}; }

  std::shared_ptr<grpc::Channel> channel_as(const std::string& name) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = contents("ca.crt");
    if (!name.empty()) {
      options.pem_cert_chain = contents(name + ".crt");
      options.pem_private_key = contents(name + ".key");
    }
    return channel(grpc::SslCredentials(options));
  }
  grpc::Status watch_as(const std::string& name) {
    auto stub = v1::Targets::NewStub(channel_as(name));
    grpc::ClientContext context;
    set_deadline(context);
    auto stream = stub->Watch(&context, {});
    v1::TargetSet set;
    if (stream->Read(&set)) {
      context.TryCancel();
      return grpc::Status::OK;
    }
    return stream->Finish();
  }

  std::string directory;
};

TEST_F(GrpcTlsTest, OnlyMonitorsOfOurAuthorityGetTheSigningKeys) {
  serve(files());
  board.open();
  EXPECT_TRUE(watch_as("monitor").ok());
  EXPECT_FALSE(watch_as("").ok());
  EXPECT_FALSE(watch_as("stranger").ok());
}

TEST_F(GrpcTlsTest, AVantageIsToldOfItsOwnTurnClusterOnly) {
  serve(files());
  board.publish(targets("ns/a", "its own"));
  board.publish(targets("ns/b", "another's"));
  board.open();
  auto stub = v1::Targets::NewStub(channel_as("vantage"));
  for (const char* asked_for : {"", "ns/a"}) {
    grpc::ClientContext context;
    set_deadline(context);
    v1::WatchTargetsRequest request;
    request.set_cluster(asked_for);
    auto stream = stub->Watch(&context, request);
    v1::TargetSet set;
    ASSERT_TRUE(stream->Read(&set));
    ASSERT_EQ(set.clusters_size(), 1) << "the signing keys of another TurnCluster are given away";
    EXPECT_EQ(set.clusters(0).realm(), "its own");
    context.TryCancel();
  }
  grpc::ClientContext context;
  set_deadline(context);
  v1::WatchTargetsRequest request;
  request.set_cluster("ns/b");
  auto stream = stub->Watch(&context, request);
  v1::TargetSet set;
  EXPECT_FALSE(stream->Read(&set)) << set.DebugString();
  const auto refused = stream->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), HasSubstr("ns/a"));
}

TEST_F(GrpcTlsTest, AVantageIsBelievedAboutItsOwnTurnClusterOnly) {
  serve(files());
  auto stub = v1::Health::NewStub(channel_as("vantage"));
  grpc::ClientContext context;
  set_deadline(context);
  v1::HealthAck ack;
  auto stream = stub->Report(&context, &ack);
  v1::HealthReport report;
  report.set_vantage("ns/a/us");
  for (const char* cluster : {"ns/b", "ns/a"}) {
    auto* relay = report.add_relays();
    relay->set_cluster(cluster);
    relay->set_relay("eu-0");
    relay->set_verdict("Unhealthy");
    auto* provider = report.add_providers();
    provider->set_cluster(cluster);
    provider->set_provider("twilio");
  }
  ASSERT_TRUE(stream->Write(report));
  EXPECT_TRUE(wait_for_report("ns/a"));
  EXPECT_EQ(health.reports("ns/a").size(), 1u);
  EXPECT_TRUE(health.reports("ns/b").empty()) << "another's relay is taken out of service";
  context.TryCancel();
}

TEST_F(GrpcTlsTest, AVantageSpeaksUnderItsOwnNameOnly) {
  serve(files());
  v1::HealthReport report;
  report.set_vantage("paris");
  report.add_relays()->set_cluster("ns/b");
  health.report(report);
  auto stub = v1::Health::NewStub(channel_as("vantage"));
  grpc::ClientContext context;
  set_deadline(context);
  v1::HealthAck ack;
  auto stream = stub->Report(&context, &ack);
  report.clear_relays();
  stream->Write(report);
  stream->WritesDone();
  const auto refused = stream->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), HasSubstr("ns/a/us"));
  EXPECT_EQ(health.reports("ns/b").size(), 1u) << "what the monitor of that name has said is wiped away";
}

TEST_F(GrpcTlsTest, FaultyFilesAreNamedAtTheStart) {
  const auto error_of = [&](MutualTls faulty) {
    auto refused = GrpcServer::listen({.address = "127.0.0.1:0", .tls = faulty}, board, health);
    return refused ? std::string("accepted") : refused.error().text();
  };
  EXPECT_THAT(error_of({path("absent.crt"), path("server.key"), path("ca.crt")}), HasSubstr("cannot read"));
  EXPECT_THAT(error_of({path("server.crt"), path("monitor.key"), path("ca.crt")}),
              HasSubstr("does not hold the private key of"));
  EXPECT_THAT(error_of({path("server.key"), path("server.key"), path("ca.crt")}), HasSubstr("holds no certificate"));
  EXPECT_THAT(error_of({path("server.crt"), path("server.key"), path("ca.key")}), HasSubstr("--tls-ca"));
}

}  // namespace
}  // namespace turnkeeper::op
