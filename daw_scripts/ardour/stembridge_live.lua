ardour {
  ["type"] = "EditorAction",
  name = "Stem Bridge: live split of the selected track",
  license = "GPL-3.0-or-later",
  author = "Stem Bridge",
  description = [[Puts the Stem Bridge plugin on each selected track, and makes a bus for each stem. The track is then heard through these buses alone.]]
}

function factory() return function()
  local options = {
    -- Of the plugin's buses: vocals, drums, bass, other, and with models that have them guitar and
    -- piano. What is left out is not heard.
    stems = { "vocals", "drums", "bass", "other" },
  }

  local scripts = ARDOUR.user_config_directory(-1) .. "/scripts/"
  local load_beside, why = loadfile(scripts .. "stembridge_ardour.lua")
  if not load_beside then
    LuaDialog.Message("Stem Bridge", "This script needs its other files beside it: " .. why,
                      LuaDialog.MessageType.Error, LuaDialog.ButtonType.Close):run()
    return
  end
  load_beside(scripts).run("stembridge_ardour_live.lua", options)
end end
