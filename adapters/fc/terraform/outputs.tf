output "function_name" {
  description = "What runs unattended."
  value       = alicloud_fcv3_function.this["function"].function_name
}

output "webhooks_name" {
  description = "Webhooks and chat. The trigger http of it shows the URL to register."
  value       = alicloud_fcv3_function.this["webhooks"].function_name
}

output "http_trigger" {
  description = "The trigger with that URL."
  value       = alicloud_fcv3_trigger.this["http"].http_trigger
}

output "roles" {
  description = "The roles of the functions, to which the policy NAME-pause can be attached."
  value       = [for role in alicloud_ram_role.function : role.role_name]
}
