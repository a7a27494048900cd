/// Whatever comes: no finding of a sanitizer, no exception, bounded memory, and a session that an
/// offence leaves as it was. STEMBRIDGE_HOSTILE says how many lists of frames, else a few.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "allocations.h"
#include "hostile.h"
#include "protocol/codec.h"
#include "protocol/limits.h"
#include "protocol/session.h"

namespace stembridge::protocol {
namespace {

constexpr std::uint64_t kSeed = 20240229;
constexpr std::uint64_t kOurs = 0x0123456789ABCDEF;  // the session of the vectors

std::size_t count() {
    const char* wanted = std::getenv("STEMBRIDGE_HOSTILE");
    return wanted == nullptr ? 30'000 : std::strtoul(wanted, nullptr, 10);
}

/// What decoding these frames may allocate in all: 32 bytes a byte for the values, a copy of each
/// text, and a little for levels and words. Samples take nothing.
std::size_t allowance(const Frames& frames) {
    static const std::string kReport = "REPORT";
    std::size_t bytes = 0;
    if (!frames.bytes.empty()) {
        const Bytes& header = frames.bytes[0];
        bytes = std::min(header.size(), kHeaderBytes);
        const auto* text = reinterpret_cast<const std::byte*>(kReport.data());
        const bool report =
            std::search(header.begin(), header.end(), text, text + kReport.size()) != header.end();
        if (report && frames.bytes.size() == 2)
            bytes += std::min(frames.bytes[1].size(), kTreeBytes);
    }
    return 40 * bytes + 32'768;
}

/// A session with an epoch that takes input, whatever the last one came to.
void bringToRun(ClientSession& session) {
    const SavedPlan plan{1024, 512, 8192, 256, 44100, 0, 0, 0, 0, 0, 0, 512};
    session.disconnect();
    session.send(Socket::kControl, Hello{.client = "fuzz"}, 0);
    session.receive(Socket::kControl,
                    Welcome{.server = "it", .session = kOurs, .heartbeatUs = 1000, .maxFrames = 64},
                    0);
    const std::int64_t request = session.request() + 1;
    session.send(Socket::kControl,
                 Configure{.session = kOurs,
                           .request = request,
                           .rate = 48000,
                           .block = 512,
                           .channels = 2,
                           .model = "x"},
                 0);
    session.receive(Socket::kControl,
                    Configured{.session = kOurs,
                               .request = request,
                               .latency = 0,
                               .plan = plan,
                               .sources = {"a", "b", "c", "d"},
                               .credit = 48000,
                               .model = "x"},
                    0);
    session.send(Socket::kAudio, Attach{kOurs}, 0);
    session.send(Socket::kAudio, Reset{kOurs, session.epoch() + 1, 48000, 48000, request}, 0);
    const std::vector<float> input(2 * 64);
    session.send(Socket::kAudio,
                 Audio{kOurs, session.epoch(), 48000, 48000, {2, 64, Samples(std::span(input))}},
                 0);
}

auto seen(const ClientSession& session) {
    return std::tuple(session.state(), session.token(), session.request(), session.pending(),
                      session.epoch(), session.creditLeft());
}

TEST_CASE("hostile frames cost bounded memory, and a session nothing") {
    Hostile hostile(kSeed);
    ClientSession session;
    std::size_t accepted = 0;
    std::size_t fresh = 0;
    std::size_t sent = 0;
    std::size_t worst = 0;
    for (std::size_t round = 0; round < count(); ++round) {
        const bool exhausted = session.request() == kNumber || session.epoch() == kNumber;
        if (exhausted) session = ClientSession();
        if (exhausted || session.state() != State::kRunning) bringToRun(session);
        const Frames frames = hostile.next();
        const Allocations allocations;
        const Decoded decoded = frames.decoded();
        const std::size_t bytes = allocations.bytes();
        worst = std::max(worst, bytes);
        REQUIRE(bytes <= allowance(frames));
        const auto* message = std::get_if<Message>(&decoded);
        if (message == nullptr) {
            REQUIRE(!std::get<Refusal>(decoded).why.empty());
            continue;
        }
        ++accepted;
        const Frames again = framesOf(encode(*message));
        REQUIRE(framesOf(encode(std::get<Message>(again.decoded()))) == again);

        const auto before = seen(session);
        const Socket socket = round % 2 == 0 ? Socket::kControl : Socket::kAudio;
        const Receipt receipt = session.receive(socket, *message, 0);
        fresh += receipt.fresh;
        REQUIRE(session.creditLeft() >= 0);
        if (receipt.refusal) REQUIRE(!receipt.fresh);
        if (!receipt.fresh) REQUIRE(seen(session) == before);
        const auto between = seen(session);
        try {
            session.send(socket, *message, 0);
            ++sent;
        } catch (const LocalProtocolError&) {
            REQUIRE(seen(session) == between);
        }
        REQUIRE(session.creditLeft() >= 0);
    }
    MESSAGE(count(), " lists of frames, ", accepted, " messages, ", fresh, " taken, ", sent,
            " sent, ", worst, " bytes at most");
    CHECK(accepted * 5 >= count());
    CHECK(fresh * 100 >= count());
    CHECK(worst <= 1'000'000);
}

TEST_CASE("the worst header and the worst report take what the page says") {
    Bytes header = fromHex("82a174a4504f4e47a178dc0040");
    while (header.size() < kHeaderBytes) header.push_back(std::byte{0x90});
    Bytes report = fromHex("81a178dc0400");
    while (report.size() < kTreeBytes) report.push_back(std::byte{0x80});
    for (const Frames& frames :
         {Frames{{header}}, Frames{{fromHex("81a174a65245504f5254"), report}}}) {
        const Allocations allocations;
        const Decoded decoded = frames.decoded();
        CHECK(allocations.bytes() <= (frames.bytes.size() == 1 ? 1'000'000 : 6'000'000));
        CHECK(std::holds_alternative<Refusal>(decoded));
    }
}

TEST_CASE("samples are not copied when they come") {
    const std::vector<float> samples(static_cast<std::size_t>(kSources * kChannels * kFrames));
    const Encoded encoded =
        encode(Stems{.session = 1,
                     .epoch = 1,
                     .audio = {kSources, kChannels, kFrames, Samples(std::span(samples))}});
    const Frame frames[] = {encoded.header, *encoded.payload};
    const Allocations allocations;
    const Decoded decoded = decode(frames);
    CHECK(std::holds_alternative<Message>(decoded));
    CHECK(allocations.bytes() <= 8192);
}

}  // namespace
}  // namespace stembridge::protocol
