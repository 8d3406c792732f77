// What clients ask this monitor for over HTTP: credentials in every shape of monitor/shape, GET /v1/events,
// POST /v1/sessions and GET /v1/regions. Each request goes through the gate, is read by its shape, answered by the one
// core, and written by its shape again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "monitor/access/admitted_streams.hpp"
#include "monitor/access/gate.hpp"
#include "monitor/ice_api/audit.hpp"
#include "monitor/push/push_hub.hpp"
#include "monitor/shape/region_header.hpp"
#include "monitor/shape/shape.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
class IceApi {
 public:
  // What there is to ask for.
  struct View {
    std::function<const Fleet&()> fleet;
    VerdictLookup verdict_of;
    ProofLookup proof_of;
  };

  IceApi(const MakeConfig& make_config, View view, PushHub& hub, const Gate& gate, AdmittedStreams& streams,
         Audit& audit, const Clock& clock);

  // "/" is not among the routes: see turn_rest().
  void add_routes(http::Router& router);
  // GET /?service=turn of the TURN REST draft, for whoever owns "/"; is_turn_rest() tells which requests are meant.
  [[nodiscard]] http::Response turn_rest(const http::Request& request);
  // From now on.
  void set_region_header(RegionHeader header) { region_header_ = std::move(header); }

 private:
  [[nodiscard]] http::Response answer(const Shape& shape, const http::Request& request);
  [[nodiscard]] http::Response answer(const Shape& shape, const http::Request& request, const IssuedCredential& issued);
  [[nodiscard]] http::Response session(const http::Request& request);
  [[nodiscard]] http::Response regions(const http::Request& request);
  [[nodiscard]] std::optional<http::Response> subscribe(const http::Request& request,
                                                        const std::shared_ptr<http::EventStream>& stream);
  [[nodiscard]] tl::expected<Caller, Trouble> admit(const http::Request& request, const Secret& key) const;
  void settle_hints(Ask& ask, const http::Request& request) const;

  const MakeConfig& make_config_;
  const View view_;
  PushHub& hub_;
  const Gate& gate_;
  AdmittedStreams& streams_;
  Audit& audit_;
  const Clock& clock_;
  RegionHeader region_header_;
  // Streams may close after this object has gone.
  std::shared_ptr<IceApi*> alive_ = std::make_shared<IceApi*>(this);
};

}  // namespace turnkeeper::monitor
