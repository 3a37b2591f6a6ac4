-- Degraded while the operator cannot reach it; a server that nobody had to ask yet is taken as well.
local health = {status = "Healthy", message = "not asked yet"}
if obj.spec.paused == true then
  health.status = "Suspended"
  health.message = "spec.paused: no transfer starts with it"
  return health
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
for _, one in ipairs(obj.status.conditions) do
  if one.type == "Reachable" then
    health.message = one.reason
    if one.message ~= nil and one.message ~= "" then
      health.message = one.reason .. ": " .. one.message
    end
    if one.status == "False" then
      health.status = "Degraded"
    end
  end
end
return health
