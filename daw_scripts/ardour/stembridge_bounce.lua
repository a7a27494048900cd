ardour {
  ["type"] = "EditorAction",
  name = "Stem Bridge: bounce the selected regions to stem tracks",
  license = "GPL-3.0-or-later",
  author = "Stem Bridge",
  description = [[Separates the selected audio regions into stems, each on a new track and in the same place to the sample, and mutes the regions. One undo step takes the stems away again.]]
}

function factory() return function()
  local options = {
    command = "",         -- the path of stembridge; "" finds it by itself
    model = "",           -- of `stembridge models list`, or a path to weights; "" as config.toml says
    preset = "",          -- of `stembridge presets list`, such as "karaoke", or a file; "" is none
    stems = {},           -- such as { "vocals", "drums" }; {} is all that the model has
    format = "wav",       -- of the files on their way; Ardour keeps them in its own format
    bits = "32f",         -- 32-bit floats, so that the stems sum to the region exactly
    mute_regions = true,  -- else region and stems are heard together
    extra = {},           -- more words for `stembridge bounce`, such as { "--shifts", "2" }
  }

  local scripts = ARDOUR.user_config_directory(-1) .. "/scripts/"
  local load_beside, why = loadfile(scripts .. "stembridge_ardour.lua")
  if not load_beside then
    LuaDialog.Message("Stem Bridge", "This script needs its other files beside it: " .. why,
                      LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run()
    return
  end
  load_beside(scripts).run("stembridge_ardour_bounce.lua", options)
end end
