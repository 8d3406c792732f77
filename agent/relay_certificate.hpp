// The certificate that coturn shows: a copy of the mounted one, which changes in one step and only to a pair that fits
// together.
//
//   RelayCertificate certificate("/etc/turnkeeper/tls", "/var/lib/turnkeeper/tls.pem");
//   auto loaded = certificate.load();                                        // again and again
//   if (certificate.is_news() && coturn->reload_certificate()) certificate.shown();
//
// Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "agent/certificate.hpp"

namespace turnkeeper::agent {

class RelayCertificate {
 public:
  RelayCertificate(std::string mounted_directory, std::string copy);

  // Nothing new when the mounted one is as before. On an error the one of before stays; an agent that has just started
  // takes the copy that the one before it left.
  [[nodiscard]] Result<> load();
  // In the copy; unset: none yet.
  [[nodiscard]] const std::optional<Certificate>& current() const { return current_; }
  // Changed since shown().
  [[nodiscard]] bool is_news() const { return is_news_; }
  // coturn was started with the copy as it is, or told to read it again.
  void shown() { is_news_ = false; }

 private:
  void restore();

  const std::string mounted_directory_;
  const std::string copy_;
  std::optional<Certificate> current_;
  bool is_news_ = false;
};

}  // namespace turnkeeper::agent
