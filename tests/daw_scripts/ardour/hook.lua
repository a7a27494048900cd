-- Chosen as a hook of Ardour's editor: some seconds after the session is there it selects all tracks or
-- all regions, runs
-- the action in the first slot, undoes and redoes, and writes down what became of it.
ardour { ["type"] = "EditorHook", name = "run the action" }

function factory()
  local ticks = 0
  return function()
    ticks = ticks + 1
    if ticks ~= 3 then return end
    local log = assert(io.open("@LOG@", "w"))
    local function write(what)
      for route in Session:get_routes():iter() do
        local track = route:to_track()
        log:write(what, "\troute\t", route:name(), "\t", route:presentation_info_ptr():order(), "\n")
        if not track:isnil() then
          for region in track:playlist():region_list():iter() do
            log:write(what, "\tregion\t", route:name(), "\t", region:name(), "\t", region:position():samples(), "\t",
                      region:length():samples(), "\t", tostring(region:muted()), "\n")
          end
        end
      end
    end
    if "@WHAT@" == "tracks" then -- the one selection ends the other
      Editor:select_all_tracks()
    else
      Editor:access_action("Editor", "select-all-objects")
    end
    write("before")
    Editor:access_action("LuaAction", "script-1")
    write("after")
    Editor:undo(1)
    write("undone")
    Editor:redo(1)
    write("redone")
    local saved = Session:save_state("", false, false, false, false, false)
    log:write("saved\t", saved, "\n")
    log:close()
  end
end
