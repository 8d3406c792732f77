#include "certificates.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::monitor {
namespace {

void openssl(const std::string& key, const std::string& certificate, const std::vector<std::string>& more) {
  std::vector<std::string> argv = {"openssl", "req",   "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                   "-nodes",  "-days", "2",     "-keyout", key,  "-out",     certificate};
  argv.insert(argv.end(), more.begin(), more.end());
  const auto output = run_command(argv, Deadline::after(real_clock(), std::chrono::seconds(20)));
  if (!output || output->status != 0) ADD_FAILURE() << (output ? output->text : output.error().text());
}

}  // namespace

Certificates::Certificates(const std::string& name)
    : folder_(testing::TempDir() + "exchange-" + std::to_string(getpid()) + "-" + name) {
  std::filesystem::create_directories(folder_);
  openssl(path("ca.key"), path("ca.crt"), {"-subj", "/CN=" + name});
}

Certificates::~Certificates() {
  std::filesystem::remove_all(folder_);
}

Exchange::Tls Certificates::issue(const std::string& dns_name, const std::string& uri) const {
  const auto file = dns_name + (uri.empty() ? "" : "-with-uri");
  openssl(path(file + ".key"), path(file + ".crt"),
          {"-subj", "/CN=" + dns_name, "-addext", "subjectAltName=DNS:" + dns_name + (uri.empty() ? "" : ",URI:" + uri),
           "-CA", path("ca.crt"), "-CAkey", path("ca.key")});
  return {path(file + ".crt"), path(file + ".key"), path("ca.crt")};
}

}  // namespace turnkeeper::monitor
