// Every metric of the monitor with a value, in the text format, for `promtool check metrics`.
#include <iostream>

#include "monitor/metrics/metrics.hpp"

int main() {
  using namespace turnkeeper;
  using namespace turnkeeper::monitor;
  using namespace std::chrono_literals;
  Cluster cluster{.name = "calls"};
  cluster.signing_keys = {{"k1", Secret("secret"), api::SigningKey::Phase::issuing, SystemTime{1'600'000'000s}}};
  cluster.regions = {{"eu", {}, {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}}}};
  const RelayId id{"calls", "eu", "eu-0"};
  Metrics metrics("here");
  metrics.set_fleet({{cluster}});
  auto* series = metrics.series(id);
  series->echo_sent();
  series->echo_received(3ms);
  series->echo_lost();
  series->observed(true);
  turn::PeerCertificate certificate;
  certificate.not_after = SystemTime{1'800'000'000s};
  metrics.probed(
      id,
      {.ok = false, .cause = api::Cause::auth_secret, .phases = {{Phase::resolve, 1ms}}, .certificate = certificate});
  const AgentState state{.sessions = 1, .sent_bytes = 2, .received_bytes = 3};
  metrics.agent_said(id, &state);
  metrics.served("calls", "eu", "us", api::Cause::data_path);
  metrics.failed_over("calls", "eu", api::Cause::data_path);
  metrics.pushed_after("calls", "eu", 350ms);
  metrics.issued("calls", "eu", "native");
  metrics.rejected("unauthorized");
  metrics.set_push_clients("calls", "eu", 3);
  metrics.set_peers(2, 1);
  metrics.set_operator_connected(true);
  metrics.config_loaded(true);
  metrics.set_notifications("on-call", 1, 0, 0, 0);
  metrics.set_incidents("calls", "relay", 1);
  std::cout << metrics.exposition(ExpositionFormat::text);
}
