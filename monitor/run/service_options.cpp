#include "monitor/run/service_options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "monitor/config/text_forms.hpp"
#include "monitor/exchange/mesh_channel.hpp"
#include "monitor/run/standalone.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/http/check.hpp"
#include "turnkeeper/rpc/mutual_tls.hpp"

namespace turnkeeper::monitor {
namespace {

class Asking {
 public:
  Asking(const Flags& flags, const MonitorConfig* config) : flags_(flags), config_(config) {}

  tl::expected<AskedFor, std::vector<Error>> ask(const std::string& vantage) {
    auto& service = asked_.service;
    service.vantage = vantage;
    if (!flags_.vantage.empty()) {
      check("--vantage", api::is_vantage_name(flags_.vantage), "is no name",
            "use at most 63 letters, digits, '.', '-' and '_'");
    }
    listen();
    access();
    read_region_header();
    state_file();
    service.audit = flags_.audit;
    if (config_) service.status_url = config_->status_url;
    other_monitors_and_operator();
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    return std::move(asked_);
  }

 private:
  void check(const std::string& flag, bool sound, const std::string& what, const std::string& advice) {
    if (!sound) errors_.push_back({flag + ": " + what, advice});
  }
  bool check(const std::string& where, const Result<void>& sound) {
    if (!sound) errors_.push_back(where.empty() ? sound.error() : sound.error().within(where));
    return sound.has_value();
  }

  void listen() {
    auto& service = asked_.service;
    service.listen = flags_.listen;
    check("--listen", http::check_listen_address(flags_.listen));
    if (!flags_.tls_listen_certificate.empty()) {
      service.tls = http::TlsFiles{flags_.tls_listen_certificate, flags_.tls_listen_key};
      check("--tls-listen-cert, --tls-listen-key", http::check_tls_files(*service.tls));
    }
    if (!flags_.ice_grpc_listen.empty()) {
      service.ice_grpc = IceGrpc::Options{.address = flags_.ice_grpc_listen, .tls = {}};
      check("--ice-grpc-listen", http::check_listen_address(flags_.ice_grpc_listen));
      if (!flags_.ice_grpc_tls_certificate.empty()) {
        service.ice_grpc->tls = IceGrpc::Tls{flags_.ice_grpc_tls_certificate, flags_.ice_grpc_tls_key};
        check("--ice-grpc-tls-cert, --ice-grpc-tls-key",
              http::check_tls_files({flags_.ice_grpc_tls_certificate, flags_.ice_grpc_tls_key}));
      }
    }
    service.limits.connections = flags_.max_connections;
    service.limits.connections_per_address =
        flags_.max_connections_per_address != 0 ? flags_.max_connections_per_address : (flags_.max_connections + 1) / 2;
  }

  void access() {
    auto access = access_config(flags_.access, config_ ? config_->access : AccessConfig{});
    if (!access) return errors_.push_back(access.error());
    asked_.service.access = std::move(*access);
  }

  void read_region_header() {
    auto& header = asked_.service.region_header;
    if (flags_.region_header.empty()) return;
    check("--region-header", is_header_name(flags_.region_header), "'" + flags_.region_header + "' is no header's name",
          "write one such as CF-IPCountry");
    header.name = flags_.region_header;
    std::ranges::transform(header.name, header.name.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const auto& item : flags_.region_map) {
      const auto equals = item.find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == item.size()) {
        check("--region-map", false, "'" + item + "' names no region", "write for example DE=eu");
        continue;
      }
      const auto region = item.substr(equals + 1);
      header.regions[item.substr(0, equals)] = region;
      if (config_) {
        const auto& regions = config_->fleet.clusters.front().regions;
        check("--region-map", std::ranges::count(regions, region, &Region::name) > 0, "'" + region + "' is no region",
              "write the region of one of the servers");
      }
    }
  }

  void state_file() {
    asked_.service.state_file = flags_.state_file;
    if (flags_.state_file.empty()) return;
    std::error_code ignored;
    check("--state", !std::filesystem::is_directory(flags_.state_file, ignored), flags_.state_file + " is a directory",
          "name a file in it");
    const auto folder = std::filesystem::path(flags_.state_file).parent_path();
    if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0) return;
    check("--state", false, "cannot write into " + folder.string() + ": " + std::strerror(errno),
          "name a file in a directory that the monitor may write to");
  }

  void other_monitors_and_operator() {
    const bool by_flags = !flags_.operator_address.empty() || !flags_.exchange_listen.empty();
    const auto tls = by_flags ? tls_files() : std::nullopt;
    if (!by_flags) {
      check("--tls-cert, --tls-key, --tls-ca",
            flags_.tls_certificate.empty() && flags_.tls_key.empty() && flags_.tls_authority.empty(),
            "they are for --operator and --exchange-listen, and neither is given",
            "for HTTPS use --tls-listen-cert and --tls-listen-key");
    }
    auto& exchange = asked_.service.exchange;
    if (!flags_.exchange_listen.empty()) {
      exchange = Exchange::Options{
          .listen = flags_.exchange_listen, .peers = flags_.exchange_peers, .peers_dns = flags_.exchange_peers_dns};
      exchange->tls = tls;
      check("--exchange-listen", http::check_listen_address(exchange->listen));
      for (const auto& peer : exchange->peers) host_port("--exchange-peer", peer, "HOST:PORT");
      if (!exchange->peers_dns.empty()) host_port("--exchange-peers-dns", exchange->peers_dns, "NAME:PORT");
    } else if (config_ && config_->exchange) {
      exchange = exchange_options(*config_->exchange);
    }
    if (exchange && exchange->tls) {
      if (const auto name = mesh_name(*exchange->tls); !name) errors_.push_back(name.error());
    }
    if (flags_.operator_address.empty()) return;
    host_port("--operator", flags_.operator_address, "HOST:PORT");
    if (!flags_.cluster.empty()) {
      const auto slash = flags_.cluster.find('/');
      const bool sound = slash != std::string::npos && api::is_dns_label(flags_.cluster.substr(0, slash)) &&
                         slash + 1 < flags_.cluster.size();
      check("--cluster", sound, "'" + flags_.cluster + "' is no TurnCluster", "write NAMESPACE/NAME");
    }
    asked_.link = OperatorLink::Options{
        .address = flags_.operator_address, .vantage = asked_.service.vantage, .cluster = flags_.cluster, .tls = tls};
    // The other monitors' were looked at already, and are the same files.
    if (!tls || exchange) return;
    if (const auto sound = check_mutual_tls(*tls); !sound) {
      errors_.push_back(sound.error().within("--tls-cert, --tls-key, --tls-ca"));
    }
  }

  void host_port(const std::string& flag, const std::string& address, const std::string& form) {
    check(flag, is_host_port(address), "'" + address + "' is not " + form, "the port is a number from 1 to 65535");
  }

  // How to talk to the operator and to other monitors; nothing: in the clear, as asked.
  std::optional<MutualTls> tls_files() {
    const int given = !flags_.tls_certificate.empty() + !flags_.tls_key.empty() + !flags_.tls_authority.empty();
    if (given == 3) return MutualTls{flags_.tls_certificate, flags_.tls_key, flags_.tls_authority};
    if (given != 0 || !flags_.insecure_grpc) {
      errors_.push_back({"--operator and --exchange-listen need --tls-cert, --tls-key and --tls-ca",
                         "give all three, or --insecure-grpc"});
    }
    return std::nullopt;
  }

  const Flags& flags_;
  const MonitorConfig* config_;
  AskedFor asked_;
  std::vector<Error> errors_;
};

}  // namespace

tl::expected<AskedFor, std::vector<Error>> asked_for(const Flags& flags, const std::string& vantage,
                                                     const MonitorConfig* config) {
  return Asking(flags, config).ask(vantage);
}

}  // namespace turnkeeper::monitor
