output "function_name" {
  description = "The function for unattended work."
  value       = alicloud_fcv3_function.this["function"].function_name
}

output "webhooks_name" {
  description = "The function for webhooks and chat. Its trigger http shows the URL to register."
  value       = alicloud_fcv3_function.this["webhooks"].function_name
}

output "http_trigger" {
  description = "The trigger with the URL to register."
  value       = alicloud_fcv3_trigger.this["http"].http_trigger
}

output "roles" {
  description = "The roles of the functions. Attach the policy NAME-pause to them to stop every change."
  value       = [for role in alicloud_ram_role.function : role.role_name]
}
