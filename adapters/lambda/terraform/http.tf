# Every route checks the signature of its callers. An HTTP API is throttled, and
# may have your own domain.

resource "aws_apigatewayv2_api" "webhooks" {
  count         = var.http ? 1 : 0
  name          = var.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "webhooks" {
  count                  = var.http ? 1 : 0
  api_id                 = aws_apigatewayv2_api.webhooks[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.this["webhooks"].invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "webhooks" {
  count     = var.http ? 1 : 0
  api_id    = aws_apigatewayv2_api.webhooks[0].id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.webhooks[0].id}"
}

resource "aws_apigatewayv2_stage" "webhooks" {
  count       = var.http ? 1 : 0
  api_id      = aws_apigatewayv2_api.webhooks[0].id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    throttling_rate_limit  = 20
    throttling_burst_limit = 50
  }
}

resource "aws_lambda_permission" "webhooks" {
  count         = var.http ? 1 : 0
  function_name = aws_lambda_function.this["webhooks"].function_name
  qualifier     = aws_lambda_alias.this["webhooks"].name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.webhooks[0].execution_arn}/*"
}
