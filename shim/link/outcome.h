/// What a step that may fail gives: its result, or words for the user.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace stembridge::link {

/// Why something cannot be done, and what to do about it, in one line for the user.
/// `absent`: nothing is wrong, it is only not there.
struct Problem {
    std::string text;
    bool absent = false;
};

template <typename T>
class Outcome {
public:
    Outcome(T value) : held_(std::move(value)) {}
    Outcome(Problem problem) : held_(std::move(problem)) {}

    explicit operator bool() const { return std::holds_alternative<T>(held_); }
    /// Only where there is a value.
    T& operator*() { return *std::get_if<T>(&held_); }
    const T& operator*() const { return *std::get_if<T>(&held_); }
    T* operator->() { return std::get_if<T>(&held_); }
    const T* operator->() const { return std::get_if<T>(&held_); }
    /// Only where there is none.
    const Problem& problem() const { return *std::get_if<Problem>(&held_); }

private:
    std::variant<T, Problem> held_;
};

}  // namespace stembridge::link
