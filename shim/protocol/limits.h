/// Every bound on what a peer may send, by the names of docs/PROTOCOL.md, which has the reasons.
///
/// What breaks one of them is refused before anything is allocated for it. Sizes are in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stembridge::protocol {

inline constexpr std::size_t kHeaderBytes = 8192;
inline constexpr std::uint32_t kHeaderItems = 64;
/// Levels of maps and lists in a header: our messages have 2, the rest is for fields to come.
inline constexpr std::size_t kHeaderDepth = 512;

inline constexpr std::size_t kStringBytes = 256;
inline constexpr std::size_t kTextBytes = 1000;
inline constexpr std::size_t kSourceBytes = 64;

inline constexpr std::int64_t kSources = 16;
inline constexpr std::int64_t kWarnings = 4;
inline constexpr std::int64_t kCapabilities = 8;
inline constexpr std::int64_t kPresets = 60;
inline constexpr std::size_t kPresetBytes = 64;
inline constexpr std::int64_t kSilence = 14'400;
inline constexpr std::int64_t kGain = 2400;
inline constexpr std::int64_t kChannels = 2;
inline constexpr std::int64_t kFrames = 16384;
inline constexpr std::size_t kPayloadBytes = kSources * kChannels * kFrames * sizeof(float);

inline constexpr std::size_t kTreeBytes = 65536;
inline constexpr std::uint32_t kTreeItems = 1024;
inline constexpr std::size_t kTreeDepth = 8;

inline constexpr std::int64_t kRateMin = 8000;
inline constexpr std::int64_t kRateMax = 384'000;
inline constexpr std::int64_t kBlock = 65536;
inline constexpr std::int64_t kDurationUs = 60'000'000;
inline constexpr std::int64_t kSpanFrames = kRateMax * kDurationUs / 1'000'000;
inline constexpr std::int64_t kFrame = std::int64_t{1} << 62;
inline constexpr std::int64_t kNumber = 0xFFFF'FFFF;
inline constexpr std::uint64_t kToken = ~std::uint64_t{0};

inline constexpr std::size_t kEpochs = 2;
inline constexpr std::size_t kPlans = 4;
inline constexpr std::int64_t kMissedHeartbeats = 4;
inline constexpr std::int64_t kGreetingUs = 1'000'000;

}  // namespace stembridge::protocol
