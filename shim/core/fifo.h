#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/planar.h"

namespace stembridge {

/// Records of planar samples on their way from one thread to one other, in order.
///
/// A record is a small header and `rows` x `frames` floats. Wait-free on both sides: nothing here
/// locks, allocates or retries. One thread calls reserve, commit and push; one calls front and pop.
template <typename Header>
class Fifo {
    static_assert(std::is_trivially_copyable_v<Header>);

public:
    struct Record {
        Header header;
        PlanarView samples;  ///< valid until the record is popped
    };

    /// Room for `records` records of `largest` samples each, or as many smaller ones as fit.
    Fifo(std::size_t records, std::size_t largest)
        : largest_(largest),
          capacity_(std::max<std::size_t>(1, records) * (kPrefix + largest)),
          floats_(capacity_ + kPrefix + largest) {}

    /// Where to put the samples of the next record, all frames of row 0 first. Producing thread.
    ///
    /// Null, and nothing has changed, when there is no room or the record is above the largest.
    float* reserve(std::int64_t rows, std::int64_t frames) {
        const auto samples = static_cast<std::size_t>(rows * frames);
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (samples > largest_ || !hasRoom(tail, kPrefix + samples)) return nullptr;
        reserved_ = floats_.data() + tail % capacity_;
        reservedRows_ = rows;
        reservedFrames_ = frames;
        return reserved_ + kPrefix;
    }

    /// Hands over what was reserved last. Producing thread.
    void commit(const Header& header) {
        const Prefix prefix{header, reservedRows_, reservedFrames_};
        std::memcpy(reserved_, &prefix, sizeof(Prefix));
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        tail_.store(tail + prefix.size(), std::memory_order_release);
    }

    /// Hands over a record; false, and nothing has changed, when it does not fit. Producing thread.
    ///
    /// samples: `rows` pointers to `frames` floats each.
    bool push(const Header& header, const float* const* samples, std::int64_t rows,
              std::int64_t frames) {
        float* to = reserve(rows, frames);
        if (to == nullptr) return false;
        for (std::int64_t row = 0; row < rows; ++row)
            std::copy_n(samples[row], frames, to + row * frames);
        commit(header);
        return true;
    }

    /// The oldest record, which stays where it is; nothing when there is none. Consuming thread.
    std::optional<Record> front() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tailSeen_) {
            tailSeen_ = tail_.load(std::memory_order_acquire);
            if (head == tailSeen_) return std::nullopt;
        }
        const float* at = floats_.data() + head % capacity_;
        Prefix prefix;
        std::memcpy(&prefix, at, sizeof(Prefix));
        frontSize_ = prefix.size();
        return Record{prefix.header, {at + kPrefix, prefix.rows, prefix.frames}};
    }

    /// Makes room of the record that `front` gave last. Consuming thread.
    void pop() {
        head_.store(head_.load(std::memory_order_relaxed) + frontSize_, std::memory_order_release);
    }

private:
    struct Prefix {
        Header header;
        std::int64_t rows;
        std::int64_t frames;

        std::size_t size() const { return kPrefix + static_cast<std::size_t>(rows * frames); }
    };

    // In floats. Whole vectors of 16 bytes, so that samples of a record begin no worse than it.
    static constexpr std::size_t kPrefix = (sizeof(Header) + 16 + 15) / 16 * 4;
    static_assert(sizeof(Prefix) <= kPrefix * sizeof(float));

    static constexpr std::size_t kCacheLine = 64;

    bool hasRoom(std::size_t tail, std::size_t size) {
        if (tail + size - headSeen_ <= capacity_) return true;
        headSeen_ = head_.load(std::memory_order_acquire);
        return tail + size - headSeen_ <= capacity_;
    }

    const std::size_t largest_;
    const std::size_t capacity_;

    // A record begins at its place modulo the capacity and goes on from there without a break:
    // behind the capacity there is room for one that begins just before it.
    std::vector<float> floats_;

    // Floats handed over and taken since the beginning. The producer writes the first group, the
    // consumer the second; each keeps what it last saw of the other's, to share a line less often.
    alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
    std::size_t headSeen_ = 0;
    float* reserved_ = nullptr;
    std::int64_t reservedRows_ = 0;
    std::int64_t reservedFrames_ = 0;

    alignas(kCacheLine) std::atomic<std::size_t> head_{0};
    std::size_t tailSeen_ = 0;
    std::size_t frontSize_ = 0;
};

}  // namespace stembridge
