#include "turnkeeper/turn/resolve.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/dns_query.hpp"

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Endpoints = std::vector<Endpoint>;

constexpr std::size_t most_endpoints = 64;
constexpr int most_questions = 48;  // for one URI, whatever its records say
constexpr const char* advice = "check the relay's host name and this machine's resolver";

std::vector<Protocol> protocols_of(const Uri& uri) {
  if (const auto protocol = uri.protocol()) return {*protocol};
  if (uri.scheme == Uri::Scheme::turns) return {Protocol::tls};
  return {Protocol::udp, Protocol::tcp};
}

std::string scheme_of(const Uri& uri) {
  const auto text = uri.to_string();
  return text.substr(0, text.find(':'));
}

// One URI on its way. Handlers of Asio hold it weakly, its Resolver holds it until the end.
struct Resolution : std::enable_shared_from_this<Resolution> {
  using Done = std::function<void(Result<Endpoints>)>;

  // A question still to ask, and what its answer is for.
  struct Step {
    ServicePointer::To kind{};
    std::string name;
    std::vector<Protocol> protocols;
    std::uint16_t port = 0;  // of addresses
  };

  Resolution(const asio::any_io_executor& executor_in, const Resolver::Options& options_in, Uri uri_in,
             Deadline deadline_in, Done done_in)
      : executor(executor_in),
        options(options_in),
        uri(std::move(uri_in)),
        deadline(deadline_in),
        done(std::move(done_in)),
        timer(executor),
        step_timer(executor) {}

  void begin() {
    const auto weak = weak_from_this();
    const auto port = uri.port.value_or(uri.default_port());
    const auto protocols = protocols_of(uri);
    if (const auto literal = SocketAddress::from_ip(uri.host, port)) {
      for (const auto protocol : protocols) add({protocol, *literal});
      return finish();
    }
    auto opened = DnsQueries::open(executor, options.nameservers);
    if (!opened) {
      trouble = opened.error();
      return finish();
    }
    dns = std::move(*opened);
    timer.expires_at(deadline.at());
    timer.async_wait([weak](const error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->steps.clear();
      self->stages.clear();
      if (!self->trouble) self->trouble = Error{"no answer about " + self->uri.host + " in time", advice};
      self->finish();
    });

    using To = ServicePointer::To;
    if (!uri.port) {
      if (!uri.protocol()) {
        auto wanted = protocols;
        if (uri.scheme == Uri::Scheme::turns) wanted.push_back(Protocol::dtls);
        stages.push_back({{To::naptr, uri.host, std::move(wanted)}});
      }
      std::vector<Step> services;
      for (const auto protocol : protocols) {
        services.push_back({To::srv, srv_name(scheme_of(uri), protocol, uri.host), {protocol}});
      }
      stages.push_back(std::move(services));
    }
    stages.push_back({{To::addresses, uri.host, protocols, port}});
    next();
  }

  // Asks the next question, depth first: what an answer leads to comes before what its neighbours lead to. A stage is
  // for when the one before found no records.
  void next() {
    if (finished) return;
    if (steps.empty() && !found_records && !stages.empty()) {
      steps.assign(stages.front().begin(), stages.front().end());
      stages.pop_front();
    }
    if (steps.empty() || endpoints.size() >= most_endpoints || ++questions > most_questions) return finish();
    const Step step = std::move(steps.front());
    steps.pop_front();
    ask(step);
  }

  void ask(const Step& step) {
    const auto current = [weak = weak_from_this(), asked = questions] {
      auto self = weak.lock();
      return self && !self->finished && self->questions == asked ? self : nullptr;
    };
    switch (step.kind) {
      case ServicePointer::To::addresses:
        step_timer.cancel();
        return dns->addresses(step.name, [current, step](DnsAnswer answer, const auto& addresses, const auto& why) {
          if (const auto self = current()) self->on_addresses(step, answer, addresses, why);
        });
      case ServicePointer::To::srv:
        limit_step();
        return dns->srv(step.name, [current, step](DnsAnswer answer, const auto& records, const auto& why) {
          if (const auto self = current()) self->on_srv(step, answer, records, why);
        });
      case ServicePointer::To::naptr:
        limit_step();
        return dns->naptr(step.name, [current, step](DnsAnswer answer, const auto& records, const auto& why) {
          if (const auto self = current()) self->on_naptr(step, answer, records, why);
        });
    }
  }

  // Some name servers and middleboxes never answer about such records; the addresses must still have their time.
  void limit_step() {
    step_timer.expires_after(deadline.remaining(*options.clock) / 5);
    step_timer.async_wait([weak = weak_from_this(), asked = questions](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self && self->questions == asked) self->next();
    });
  }

  void on_addresses(const Step& step, DnsAnswer answer, const std::vector<SocketAddress>& addresses,
                    const std::string& why) {
    if (answer != DnsAnswer::found) trouble = Error{why, advice};
    for (const auto protocol : step.protocols) {
      for (const auto& address : addresses) add({protocol, with_port(address, step.port)});
    }
    next();
  }

  void on_srv(const Step& step, DnsAnswer answer, const std::vector<SrvRecord>& records, const std::string& why) {
    if (answer == DnsAnswer::failed) trouble = Error{why, advice};
    if (answer == DnsAnswer::found) {
      found_records = true;
      const auto ordered = in_order(records, random_unit);
      if (ordered.empty()) trouble = Error{step.name + " says that there is no such service", advice};
      std::vector<Step> targets;
      for (const auto& record : ordered) {
        targets.push_back({ServicePointer::To::addresses, record.target, step.protocols, record.port});
      }
      steps.insert(steps.begin(), targets.begin(), targets.end());
    }
    next();
  }

  void on_naptr(const Step& step, DnsAnswer answer, const std::vector<NaptrRecord>& records, const std::string& why) {
    if (answer == DnsAnswer::failed) trouble = Error{why, advice};
    const auto pointers = follow(records, step.protocols);
    found_records |= !pointers.empty();
    std::vector<Step> led_to;
    for (const auto& pointer : pointers) {
      led_to.push_back({pointer.to, pointer.name, pointer.protocols, uri.default_port()});
    }
    steps.insert(steps.begin(), led_to.begin(), led_to.end());
    next();
  }

  static SocketAddress with_port(const SocketAddress& address, std::uint16_t port) {
    return *SocketAddress::from_ip(address.ip_string(), port);
  }

  void add(const Endpoint& endpoint) {
    if (endpoints.size() < most_endpoints && std::ranges::find(endpoints, endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  }

  // From a post: it may be called within resolve(), or within a callback of c-ares, which must not be destroyed there.
  void finish() {
    if (std::exchange(finished, true)) return;
    timer.cancel();
    step_timer.cancel();
    asio::post(executor, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || !self->done) return;
      self->dns.reset();
      const auto callback = std::exchange(self->done, nullptr);
      self->on_end();
      if (!self->endpoints.empty()) return callback(std::move(self->endpoints));
      callback(fail(self->trouble.value_or(Error{self->uri.host + " has no address", advice})));
    });
  }

  asio::any_io_executor executor;
  Resolver::Options options;
  Uri uri;
  Deadline deadline;
  Done done;
  std::function<void()> on_end;  // the Resolver lets go
  asio::steady_timer timer;
  asio::steady_timer step_timer;
  std::unique_ptr<DnsQueries> dns;
  std::deque<Step> steps;
  std::deque<std::vector<Step>> stages;
  Endpoints endpoints;
  std::optional<Error> trouble;  // what went wrong last
  int questions = 0;
  bool found_records = false;
  bool finished = false;
};

}  // namespace

struct Resolver::State {
  asio::any_io_executor executor;
  Options options;
  std::list<std::shared_ptr<Resolution>> running;
};

Resolver::Resolver(asio::any_io_executor executor, Options options)
    : state_(std::make_shared<State>(State{std::move(executor), std::move(options), {}})) {}

Resolver::~Resolver() = default;

void Resolver::resolve(const Uri& uri, Deadline deadline, std::function<void(Result<std::vector<Endpoint>>)> done) {
  auto resolution = std::make_shared<Resolution>(state_->executor, state_->options, uri, deadline, std::move(done));
  const auto place = state_->running.insert(state_->running.end(), resolution);
  resolution->on_end = [weak = std::weak_ptr(state_), place] {
    if (const auto state = weak.lock()) state->running.erase(place);
  };
  resolution->begin();
}

}  // namespace turnkeeper::turn
