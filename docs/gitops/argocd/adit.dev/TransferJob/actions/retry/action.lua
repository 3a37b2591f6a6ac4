-- A new token opens another round of what did not succeed; a shutdown may be unset only together with it.
local os = require("os")
local scope = "FailedAndWarned"
if obj.status ~= nil and obj.status.phase == "Canceled" then
  scope = "Canceled"
end
obj.spec.shutdown = nil
obj.spec.suspend = nil
obj.spec.retry = {token = "argocd-" .. os.date("!%Y%m%d%H%M%S"), scope = scope}
return obj
