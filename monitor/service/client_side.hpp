// The side of the monitor that clients see: who is let in, the lists they are given over HTTP and gRPC, who is told
// when a list changes, and what they report of their calls.
//
//   ClientSide clients(executor, options, view, metrics, clock);
//   if (auto read = clients.read_keys(); !read) return fail(read.error());
//   clients.add_routes(router);
//   if (auto serving = clients.serve_grpc(); !serving) return fail(serving.error());
//   ...
//   clients.lists_changed(deaths);   // whenever a list may be another one
//   clients.on_time();               // each second
//
// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "monitor/access/access_files.hpp"
#include "monitor/access/admitted_streams.hpp"
#include "monitor/access/gate.hpp"
#include "monitor/ice/ice_tables.hpp"
#include "monitor/ice_api/audit.hpp"
#include "monitor/ice_api/ice_api.hpp"
#include "monitor/ice_grpc/ice_grpc.hpp"
#include "monitor/metrics/metrics.hpp"
#include "monitor/push/push_hub.hpp"
#include "monitor/push/push_rounds.hpp"
#include "monitor/report/report_api.hpp"
#include "turnkeeper/http/cors.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

class ClientSide {
 public:
  struct Options {
    std::string vantage;
    std::string listen;  // where HTTP is served
    AccessConfig access;
    bool audit = true;
    RegionHeader region_header;
    std::optional<IceGrpc::Options> ice_grpc;  // where application servers ask over gRPC
  };

  ClientSide(boost::asio::any_io_executor executor, Options options, IceApi::View view, Metrics& metrics,
             const Clock& clock);
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;

  // Errors: a file of keys cannot be read; an origin makes no sense.
  [[nodiscard]] Result<void> read_keys();
  // The files of keys again, changed or not.
  void read_keys_again();
  // "/" is not among them: see turn_rest().
  void add_routes(http::Router& router);
  // Pages of the origins that are allowed may call the routes added so far.
  void allow_origins(http::Router& router) const;
  [[nodiscard]] http::Response turn_rest(const http::Request& request) { return ice_api_.turn_rest(request); }
  [[nodiscard]] Result<void> serve_grpc();
  [[nodiscard]] std::string grpc_address() const { return ice_grpc_ ? ice_grpc_->address() : std::string(); }
  // gRPC, and following the files of keys.
  void stop();

  void set_fleet(const Fleet& fleet) { calls_.set_fleet(fleet); }
  // From now on. Without one, that of the options.
  void set_region_header(const RegionHeader& header);
  // Tells everybody whose list is another one now.
  void lists_changed(std::vector<PushRounds::Death> deaths);
  void on_time();

  [[nodiscard]] const Gate& gate() const { return gate_; }
  [[nodiscard]] IceResult<IceConfig> make_config(const IceRequest& request) const { return make_config_(request); }
  [[nodiscard]] CallDay last_day() const { return calls_.last_day(); }

 private:
  Gate::Options gate_options();

  const boost::asio::any_io_executor executor_;
  const Options options_;
  Metrics& metrics_;
  http::Cors cors_;
  Gate gate_;
  AdmittedStreams streams_;
  Audit audit_;
  IceTables tables_;
  const MakeConfig make_config_ = [this](const IceRequest& request) { return tables_.make(request); };
  PushHub hub_;
  PushRounds rounds_;
  IceApi ice_api_;
  CallFigures calls_;
  ReportApi report_api_;
  std::unique_ptr<AccessFiles> access_files_;
  std::unique_ptr<IceGrpc> ice_grpc_;
};

}  // namespace turnkeeper::monitor
