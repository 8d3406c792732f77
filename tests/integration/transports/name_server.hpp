// A name server on a loopback port for one test, which says what the test wants it to say.
//
//   NameServer server(io);
//   server.a("turn.example.org", "192.0.2.1");
//   Resolver resolver(io.get_executor(), {.nameservers = {server.address()}});
//
// Knows no other names: NXDOMAIN. Runs on the test's io_context.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <map>
#include <string>
#include <vector>

#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn::test {

class NameServer {
 public:
  enum class Type : std::uint16_t { a = 1, aaaa = 28, srv = 33, naptr = 35 };
  enum class Mood { answers, is_silent, fails };  // fails: SERVFAIL

  explicit NameServer(boost::asio::io_context& io);
  [[nodiscard]] SocketAddress address() const;

  void a(const std::string& name, const std::string& ip);
  void aaaa(const std::string& name, const std::string& ip);
  void srv(const std::string& name, std::uint16_t priority, std::uint16_t port, const std::string& target);
  void naptr(const std::string& name, std::uint16_t order, const std::string& flags, const std::string& service,
             const std::string& replacement);
  void set_mood(Mood mood) { mood_ = mood; }
  // Of that type only.
  void set_mood(Type type, Mood mood) { moods_[type] = mood; }

  // "A turn.example.org", in the order in which they came.
  [[nodiscard]] const std::vector<std::string>& questions() const { return questions_; }

 private:
  using Data = std::string;
  void receive();
  [[nodiscard]] std::string answer_to(const std::string& query);

  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 2048> buffer_;
  std::map<std::string, std::map<Type, std::vector<Data>>> records_;
  Mood mood_ = Mood::answers;
  std::map<Type, Mood> moods_;
  std::vector<std::string> questions_;
};

}  // namespace turnkeeper::turn::test
