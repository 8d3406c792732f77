#include "name_server.hpp"

#include <algorithm>
#include <cctype>

namespace turnkeeper::turn::test {
namespace {

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string character_string(const std::string& text) {
  return static_cast<char>(text.size()) + text;
}

std::string wire_name(const std::string& name) {
  std::string wire;
  std::size_t at = 0;
  while (at < name.size()) {
    const auto dot = std::min(name.find('.', at), name.size());
    if (dot > at) wire += character_string(name.substr(at, dot - at));
    at = dot + 1;
  }
  return wire + '\0';
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string ip_bytes(const std::string& ip) {
  const auto address = SocketAddress::from_ip(ip, 0).value();
  return {address.ip().begin(), address.ip().end()};
}

}  // namespace

NameServer::NameServer(boost::asio::io_context& io) : socket_(io, {boost::asio::ip::address_v4::loopback(), 0}) {
  receive();
}

SocketAddress NameServer::address() const {
  return *SocketAddress::from_ip("127.0.0.1", socket_.local_endpoint().port());
}

void NameServer::a(const std::string& name, const std::string& ip) {
  records_[name][Type::a].push_back(ip_bytes(ip));
}

void NameServer::aaaa(const std::string& name, const std::string& ip) {
  records_[name][Type::aaaa].push_back(ip_bytes(ip));
}

void NameServer::srv(const std::string& name, std::uint16_t priority, std::uint16_t port, const std::string& target) {
  records_[name][Type::srv].push_back(u16(priority) + u16(0) + u16(port) + wire_name(target));
}

void NameServer::naptr(const std::string& name, std::uint16_t order, const std::string& flags,
                       const std::string& service, const std::string& replacement) {
  records_[name][Type::naptr].push_back(u16(order) + u16(10) + character_string(flags) + character_string(service) +
                                        character_string("") + wire_name(replacement));
}

void NameServer::receive() {
  socket_.async_receive_from(boost::asio::buffer(buffer_), from_,
                             [this](const boost::system::error_code& error, std::size_t size) {
                               if (error) return;
                               const auto answer = answer_to(std::string(buffer_.data(), size));
                               if (!answer.empty()) socket_.send_to(boost::asio::buffer(answer), from_);
                               receive();
                             });
}

// RFC 1035 section 4.1: one question behind a header of twelve bytes.
std::string NameServer::answer_to(const std::string& query) {
  std::string name;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto size = static_cast<std::size_t>(query[at]);
    name += (name.empty() ? "" : ".") + lower(query.substr(at + 1, size));
    at += size + 1;
  }
  if (at + 5 > query.size()) return {};
  const auto type =
      static_cast<Type>(static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]));
  const std::string question = query.substr(12, at + 5 - 12);
  const std::map<Type, std::string> words{
      {Type::a, "A"}, {Type::aaaa, "AAAA"}, {Type::srv, "SRV"}, {Type::naptr, "NAPTR"}};
  const auto word = words.find(type);
  questions_.push_back((word == words.end() ? "?" : word->second) + " " + name);

  const auto mood = moods_.contains(type) ? moods_[type] : mood_;
  if (mood == Mood::is_silent) return {};
  constexpr unsigned response = 0x8180;  // recursion was wanted and is there
  constexpr unsigned no_such_name = 3;
  constexpr unsigned server_failure = 2;
  const auto header = [&](unsigned code, std::size_t answers) {
    return query.substr(0, 2) + u16(response | code) + u16(1) + u16(static_cast<unsigned>(answers)) + u16(0) + u16(0) +
           question;
  };
  if (mood == Mood::fails) return header(server_failure, 0);
  const auto known = records_.find(name);
  if (known == records_.end()) return header(no_such_name, 0);
  const auto& found = known->second[type];
  std::string answer = header(0, found.size());
  for (const auto& data : found) {
    answer += u16(0xC00C) + u16(static_cast<unsigned>(type)) + u16(1) + u16(0) + u16(60) +
              u16(static_cast<unsigned>(data.size())) + data;
  }
  return answer;
}

}  // namespace turnkeeper::turn::test
