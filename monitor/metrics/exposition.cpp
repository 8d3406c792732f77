#include "monitor/metrics/exposition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace turnkeeper::monitor {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Calls `take` with each part of `text` between separators.
template <class Take>
void split(std::string_view text, char separator, Take take) {
  while (true) {
    const auto end = text.find(separator);
    take(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

struct Offer {
  std::string_view type;
  std::string_view version;
  double quality = 1;
};

Offer parse_offer(std::string_view text) {
  Offer offer;
  split(text, ';', [&](std::string_view part) {
    if (offer.type.empty()) {
      offer.type = part;
    } else if (part.starts_with("version=")) {
      offer.version = part.substr(8);
    } else if (part.starts_with("q=")) {
      part.remove_prefix(2);
      (void)std::from_chars(part.data(), part.data() + part.size(), offer.quality);
    }
  });
  return offer;
}

std::string_view type_name(Exposition::Type type, ExpositionFormat format) {
  switch (type) {
    case Exposition::Type::counter:
      return "counter";
    case Exposition::Type::histogram:
      return "histogram";
    case Exposition::Type::info:
      return format == ExpositionFormat::openmetrics ? "info" : "gauge";
    case Exposition::Type::gauge:
      break;
  }
  return "gauge";
}

}  // namespace

ExpositionFormat exposition_format(std::string_view accept) {
  double openmetrics = 0;
  double text = 0;
  split(accept, ',', [&](std::string_view part) {
    const Offer offer = parse_offer(part);
    const bool known = offer.version.empty() || offer.version == "1.0.0" || offer.version == "0.0.1";
    if (offer.type == "application/openmetrics-text" && known) openmetrics = std::max(openmetrics, offer.quality);
    if (offer.type == "text/plain") text = std::max(text, offer.quality);
  });
  return openmetrics > 0 && openmetrics >= text ? ExpositionFormat::openmetrics : ExpositionFormat::text;
}

const char* exposition_content_type(ExpositionFormat format) {
  return format == ExpositionFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                 : "text/plain; version=0.0.4; charset=utf-8";
}

std::string label(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text += '"';
}

Exposition::Exposition(ExpositionFormat format, std::size_t reserve) : format_(format) {
  text_.reserve(reserve);
}

void Exposition::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  type_ = type;
  const bool openmetrics = format_ == ExpositionFormat::openmetrics;
  // 0.0.4 names a counter's family as its sample, OpenMetrics without the suffix.
  std::string family(name);
  if (!openmetrics && type == Type::counter) family += "_total";
  if (!openmetrics && type == Type::info) family += "_info";
  text_ += "# HELP " + family + ' ';
  text_ += help;
  text_ += "\n# TYPE " + family + ' ';
  text_ += type_name(type, format_);
  text_ += '\n';
  if (!openmetrics) return;
  for (const std::string_view unit : {"seconds", "bytes"}) {
    if (name.ends_with("_" + std::string(unit))) text_ += "# UNIT " + family + ' ' + std::string(unit) + '\n';
  }
}

void Exposition::name(std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
}

void Exposition::begin_labels(std::string_view labels, std::string_view more) {
  if (labels.empty() && more.empty()) return;
  text_ += '{';
  text_ += labels;
  if (!labels.empty() && !more.empty()) text_ += ',';
  text_ += more;
  text_ += '}';
}

void Exposition::value(double value) {
  text_ += ' ';
  if (std::isnan(value)) {
    text_ += "NaN";
  } else if (std::isinf(value)) {
    text_ += value > 0 ? "+Inf" : "-Inf";
  } else {
    char digits[32];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  text_ += '\n';
}

void Exposition::value(std::uint64_t value) {
  char digits[24];
  text_ += ' ';
  text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  text_ += '\n';
}

void Exposition::sample(std::string_view labels, double value) {
  sample(labels, {}, value);
}

void Exposition::sample(std::string_view labels, std::string_view more_labels, double sample) {
  name(type_ == Type::counter ? "_total" : type_ == Type::info ? "_info" : "");
  begin_labels(labels, more_labels);
  value(sample);
}

void Exposition::histogram(std::string_view labels, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts, double sum) {
  std::uint64_t total = 0;
  char bound[40] = "le=\"";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    char* end = bound + 4;
    if (i < bounds.size()) {
      // Both formats say 1.0 and not 1: a series keeps its name whichever a scraper asks for.
      end = std::to_chars(end, bound + sizeof bound - 4, bounds[i], std::chars_format::fixed).ptr;
      if (std::string_view(bound, end).find('.') == std::string_view::npos) {
        *end++ = '.';
        *end++ = '0';
      }
    } else {
      end = std::copy_n("+Inf", 4, end);
    }
    *end++ = '"';
    name("_bucket");
    begin_labels(labels, {bound, end});
    value(total);
  }
  name("_sum");
  begin_labels(labels, {});
  value(sum);
  name("_count");
  begin_labels(labels, {});
  value(total);
}

std::string Exposition::finish() {
  if (format_ == ExpositionFormat::openmetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace turnkeeper::monitor
