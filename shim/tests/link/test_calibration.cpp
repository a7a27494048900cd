/// What the sidecar has measured, as it keeps it.
#include <doctest/doctest.h>

#include <string>

#include "folder.h"
#include "link/calibration.h"

using namespace stembridge::link;

namespace {

std::string entry(const std::string& model, const std::string& rate, const std::string& typical,
                  const std::string& worst, const std::string& measured = "full") {
    return R"({"key":{"channels":"2","context":"0","lookahead":"-1","measured":")" + measured +
           R"(","model":")" + model + R"(","rate":")" + rate + R"("},"typical_us":)" + typical +
           R"(,"worst_us":)" + worst + "}";
}

std::string whole(const std::string& entries, const std::string& version = "3") {
    return R"({"version":)" + version + R"(,"entries":[)" + entries + "]}";
}

}  // namespace

TEST_CASE("the newest of each rate is taken") {
    const std::string text = whole(entry("spectral", "48000", "900", "5000") + "," +
                                   entry("spectral", "44100", "800", "4000") + "," +
                                   entry("htdemucs", "48000", "2000000", "2500000") + "," +
                                   entry("spectral", "48000", "1000", "7000") + "," +
                                   entry("spectral", "96000", "1", "2", "short"));
    const auto costs = parseCalibration(text, "spectral");
    CHECK(costs.size() == 2);
    CHECK(costs.at(48'000) == RunCost{1000, 7000});
    CHECK(costs.at(44'100) == RunCost{800, 4000});
}

TEST_CASE("what the sidecar did not write is nothing") {
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("null"),
          std::string(R"({"version":3,"entries":{}})"), whole("1,null,[],{}"),
          whole(R"({"key":{"model":7}})"), whole(entry("spectral", "48000", "1", "2"), "4"),
          whole(entry("spectral", "x", "1", "2")), whole(entry("spectral", "48000 ", "1", "2")),
          whole(entry("spectral", "48000", "0", "2")), whole(entry("spectral", "48000", "-1", "2")),
          whole(entry("spectral", "48000", "1", "1e9")), whole(entry("spectral", "48000", "true", "2")),
          whole(entry("spectral", "48000", "1", "99999999999")),
          whole(entry("spectral", "48000", "1", "2", R"(full","effects":"of a preset)"))})
        CHECK(parseCalibration(text, "spectral").empty());
}

TEST_CASE("the file is read where nobody else may write to it") {
    const Folder folder;
    CHECK(measuredCosts(folder.path(), "spectral").empty());
    const std::string text = whole(entry("spectral", "48000", "1000", "7000"));
    folder.write("calibration.json", text, 0644);
    CHECK(measuredCosts(folder.path(), "spectral").size() == 1);
    folder.write("calibration.json", text, 0666);
    CHECK(measuredCosts(folder.path(), "spectral").empty());
}
