/// The program's beginning on Linux: a window that needs a display says so where there is none.
#include <juce_audio_plugin_client/juce_audio_plugin_client.h>

#include <cstdio>

juce::JUCEApplicationBase* juce_CreateApplication();

int main(int count, char* arguments[]) {
    const juce::ScopedJuceInitialiser_GUI juceRuns;
    if (juce::Desktop::getInstance().getDisplays().displays.isEmpty()) {
        std::fputs("Stem Bridge: no display to open its window on; set DISPLAY to one\n", stderr);
        return 1;
    }
    juce::JUCEApplicationBase::createInstance = &juce_CreateApplication;
    return juce::JUCEApplicationBase::main(count, const_cast<const char**>(arguments));
}
