#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/track.h"

namespace stembridge {

/// A sample of the input: fixed by its frame and channel, and such that sums of shares are exact.
float inputAt(std::int64_t frame, int channel);

/// The link's end of a track: gives each source a fixed share of the input, and all of it together.
///
/// Shares are powers of two: stems sum to the input to the bit, in any order.
class FakeLink {
public:
    FakeLink(Track& track, int channels) : track_(track), channels_(channels) {}

    std::uint32_t configure(std::int64_t latency, std::int64_t guard,
                            std::vector<std::string> sources,
                            std::optional<std::int64_t> since = std::nullopt);

    /// Share of the input that source `index` of `count` gets.
    static float share(std::size_t index, std::size_t count);

    /// Share of the input that a bus gets by the newest plan.
    float shareOf(std::size_t bus) const;

    /// Takes all input there is; it may jump only where the epoch changes.
    void takeInput();

    /// Offers the stems of `length` frames; returns how many there was room for.
    std::int64_t offer(std::int64_t start, std::int64_t length);

    /// Takes the input and offers the stems of all of it that were not offered yet.
    void run();

    std::vector<InputHeader> headers;  ///< of the first block of each epoch or plan
    std::int64_t received = 0;         ///< end of the input that was taken
    std::int64_t offered = 0;          ///< end of the stems that were handed over
    std::int64_t wrong = 0;            ///< samples of the input that are not what they should be

private:
    Track& track_;
    int channels_;
    std::vector<std::string> sources_;
};

/// The host's end of a track: plays it and keeps what it gave.
class Player {
public:
    Player(Track& track, int inputs, int outputs);

    /// Plays a block; a bus without a bit in `buses` is left out, and its frames are kept as -9.
    void play(std::int64_t frames, Waiter* waiter = nullptr, unsigned buses = 63);

    /// Keeps the next frames of input from being what they should be.
    float spoilt = 0;

    Controls controls;
    std::array<std::vector<float>, 2> main;
    std::array<std::array<std::vector<float>, 2>, kBuses> stems;

private:
    Track& track_;
    int inputs_, outputs_;
};

}  // namespace stembridge
