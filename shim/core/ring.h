#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/span.h"

namespace stembridge {

/// `capacity` frames of `rows` rows, each frame at its absolute index modulo the capacity.
///
/// It starts with zeros and knows nothing of which frames it holds: whoever uses it does. Spans may
/// begin before frame 0 and are never longer than the capacity. Only the constructor allocates, and
/// nothing waits. Threads may share one as long as no two are at the same frame.
template <typename Sample>
class Ring {
public:
    Ring(std::int64_t rows, std::int64_t capacity)
        : rows_(rows), capacity_(capacity), samples_(static_cast<std::size_t>(rows * capacity)) {}

    std::int64_t rows() const { return rows_; }

    std::int64_t capacity() const { return capacity_; }

    /// A span of frames as it lies here: one stretch, or two where it goes over the end.
    ///
    /// `first` frames lie at `at`, and the `rest` at 0.
    struct Place {
        std::int64_t at, first, rest;
    };

    ///
    Place place(Span span) const {
        const std::int64_t behind = span.start % capacity_;
        const std::int64_t at = behind < 0 ? behind + capacity_ : behind;
        const std::int64_t first = std::min(span.length, capacity_ - at);
        return {at, first, span.length - first};
    }

    /// The samples of one row at such a place.
    std::array<std::span<const Sample>, 2> row(std::int64_t index, const Place& place) const {
        const Sample* begin = samples_.data() + index * capacity_;
        return {std::span(begin + place.at, static_cast<std::size_t>(place.first)),
                std::span(begin, static_cast<std::size_t>(place.rest))};
    }

    /// Puts frames at `span`: of each row those from `from[row] + offset` on.
    void write(Span span, const Sample* const* from, std::int64_t offset = 0) {
        const Place to = place(span);
        for (std::int64_t index = 0; index < rows_; ++index) {
            Sample* begin = samples_.data() + index * capacity_;
            std::copy_n(from[index] + offset, to.first, begin + to.at);
            std::copy_n(from[index] + offset + to.first, to.rest, begin);
        }
    }

    /// Puts `value` into every frame of `span`.
    void fill(Span span, Sample value) {
        const Place to = place(span);
        for (std::int64_t index = 0; index < rows_; ++index) {
            Sample* begin = samples_.data() + index * capacity_;
            std::fill_n(begin + to.at, to.first, value);
            std::fill_n(begin, to.rest, value);
        }
    }

    /// Copies the frames of `span`, of each row to where `to[row] + offset` points.
    void read(Span span, Sample* const* to, std::int64_t offset = 0) const {
        const Place from = place(span);
        for (std::int64_t index = 0; index < rows_; ++index) {
            const Sample* begin = samples_.data() + index * capacity_;
            std::copy_n(begin + from.at, from.first, to[index] + offset);
            std::copy_n(begin, from.rest, to[index] + offset + from.first);
        }
    }

    /// Copies the frames of `span` from `other`, which has as many rows.
    void copy(const Ring& other, Span span) {
        const Place from = other.place(span);
        const Span parts[] = {{span.start, from.first}, {span.start + from.first, from.rest}};
        for (std::int64_t index = 0; index < rows_; ++index) {
            for (const Span part : parts) {
                const Place to = place(part);
                const Sample* source = other.row(index, other.place(part))[0].data();
                Sample* begin = samples_.data() + index * capacity_;
                std::copy_n(source, to.first, begin + to.at);
                std::copy_n(source + to.first, to.rest, begin);
            }
        }
    }

private:
    std::int64_t rows_;
    std::int64_t capacity_;
    std::vector<Sample> samples_;
};

}  // namespace stembridge
