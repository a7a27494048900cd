#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <juce_audio_processors/juce_audio_processors.h>

#include <cstdlib>
#include <filesystem>
#include <string>

int main(int count, char** arguments) {
    // No sidecar of the user's is to be found, nor started.
    std::string name = std::filesystem::temp_directory_path() / "stembridge-test-plugin.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) return 2;
    const std::filesystem::path folder = name;
    setenv("STEMBRIDGE_RUNTIME_DIR", (folder / "r").c_str(), 1);
    setenv("STEMBRIDGE_CONFIG_DIR", (folder / "c").c_str(), 1);
    const juce::ScopedJuceInitialiser_GUI juceRuns;
    const int status = doctest::Context(count, arguments).run();
    std::filesystem::remove_all(folder);
    return status;
}

#ifdef __SANITIZE_THREAD__
// The system's ZeroMQ is not instrumented: how its threads wait for each other cannot be seen.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:libzmq.so\n"; }
#endif
