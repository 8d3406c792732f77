#include "turnkeeper/http/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {

namespace beast = boost::beast;
using beast::error_code;

namespace {

// A search among them for each header stays cheap.
constexpr std::size_t most_fields = 100;

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, {}, to_lower);
}

}  // namespace

class RequestParser::Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(RequestParser& owner) : owner_(owner) {
    header_limit(static_cast<std::uint32_t>(owner.limits_.header_bytes));
    body_limit(owner.limits_.body_bytes);
  }

 private:
  using Verb = beast::http::verb;
  using Field = beast::http::field;
  using Text = beast::string_view;

  void on_request_impl(Verb, Text method, Text target, int version, error_code&) override {
    owner_.version_ = static_cast<unsigned>(version);
    owner_.request_.method.assign(method.data(), method.size());
    owner_.on_target(view(target));
  }
  void on_response_impl(int, Text, int, error_code&) override {}
  void on_field_impl(Field, Text name, Text value, error_code& error) override {
    if (owner_.header_done_) return;  // a trailer: nobody here has asked for one
    if (owner_.fields_ == most_fields) {
      error = beast::http::error::header_limit;
      return;
    }
    owner_.on_field(view(name), view(value));
  }
  void on_header_impl(error_code&) override {
    owner_.chunked_ = chunked();
    owner_.on_header();
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code&) override {
    owner_.request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code&) override {
    owner_.request_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  RequestParser& owner_;
};

RequestParser::RequestParser(const Limits& limits) : limits_(limits), parser_(std::make_unique<Parser>(*this)) {}
RequestParser::~RequestParser() = default;

bool RequestParser::keep_alive() const {
  return parser_->keep_alive();
}

void RequestParser::reset() {
  std::destroy_at(parser_.get());
  std::construct_at(parser_.get(), *this);
  request_.query.clear();
  request_.parameters.clear();
  request_.body.clear();
  problem_.reset();
  fields_ = header_bytes_ = 0;
  header_done_ = chunked_ = expects_continue_ = false;
}

RequestParser::State RequestParser::feed(std::string_view& bytes) {
  using beast::http::error;
  error_code why;
  while (!bytes.empty() && !parser_->is_done()) {
    const bool in_header = !header_done_;
    const auto count = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), why);
    bytes.remove_prefix(count);
    if (in_header && (header_bytes_ += count) > limits_.header_bytes) why = error::header_limit;
    if (why) break;
  }
  if (why == error::need_more) {
    // A line that does not end: of the header, or between the chunks of a body.
    if (header_bytes_ + bytes.size() > limits_.header_bytes && !(header_done_ && !chunked_)) {
      return refuse(error::header_limit);
    }
    why = {};
  }
  if (why) return refuse(why);
  if (header_done_ && problem_) return refuse(400, std::move(*problem_));
  return parser_->is_done() ? State::complete : State::more;
}

void RequestParser::on_target(std::string_view target) {
  if (target.starts_with("http://")) {  // absolute-form, RFC 9112 section 3.2.2
    target.remove_prefix(std::min(target.find('/', 7), target.size()));
  }
  if (!target.starts_with('/')) {
    problem_ = Error{"the request target is not a path", "start it with /"};
    return;
  }
  const auto question = target.find('?');
  auto path = percent_decode(target.substr(0, question));
  if (!path) {
    problem_ = Error{"the path is not percent-encoded properly", "write a literal % as %25"};
    return;
  }
  request_.path = std::move(*path);
  if (question == std::string_view::npos) return;
  auto query = parse_query(target.substr(question + 1));
  if (!query) {
    problem_ = query.error();
    return;
  }
  request_.query = std::move(*query);
}

void RequestParser::on_field(std::string_view name, std::string_view value) {
  auto& fields = request_.headers;
  if (fields_ == fields.size()) fields.emplace_back();
  std::string& key = fields[fields_].first;
  key.resize(name.size());
  std::ranges::transform(name, key.begin(), to_lower);
  const auto end = fields.begin() + static_cast<std::ptrdiff_t>(fields_);
  const auto known = std::find_if(fields.begin(), end, [&](const auto& field) { return field.first == key; });
  if (known == end) {
    known->second.assign(value);
    ++fields_;
    return;
  }
  if (key == "host" && !problem_) problem_ = Error{"the request has several Host headers", ""};
  if (!known->second.empty()) known->second += ", ";
  known->second += value;
}

void RequestParser::on_header() {
  header_done_ = true;
  request_.headers.resize(fields_);
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(request_.headers, [&](const auto& field) { return field.first == name; });
  };
  if (version_ < 11 || problem_) return;
  if (!has("host")) problem_ = Error{"an HTTP/1.1 request needs a Host header", ""};
  // Where the body ends is not to be guessed: a proxy before us may guess otherwise.
  if (!chunked_ && has("transfer-encoding")) problem_ = Error{"the transfer encoding is not \"chunked\"", ""};
  expects_continue_ = same_ignoring_case(request_.header("expect"), "100-continue");
}

RequestParser::State RequestParser::refuse(int status, Error error) {
  refusal_ = Response::problem(status, error);
  return State::refused;
}

RequestParser::State RequestParser::refuse(const error_code& why) {
  using beast::http::error;
  if (why == error::header_limit || why == error::buffer_overflow) {
    return refuse(431, {"the header is larger than " + std::to_string(limits_.header_bytes) +
                            " bytes, or has more than " + std::to_string(most_fields) + " fields",
                        ""});
  }
  if (why == error::body_limit) {
    return refuse(413, {"the body is larger than " + std::to_string(limits_.body_bytes) + " bytes", ""});
  }
  return refuse(400, {"this is no HTTP/1.1 request: " + why.message(), ""});
}

}  // namespace turnkeeper::http
