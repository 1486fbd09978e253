/** What errors and warnings mean and what to do, in Simplified Chinese. A code that is missing here does not compile. */
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { Warning } from '../../../src/core/transcript.ts';

const CODES: Readonly<Record<ErrorCode | 'unreachable' | 'unreadable', string>> = {
  invalid_json: '请求不是有效的 JSON。',
  invalid_parameter: '{param} 的值不被接受，请检查后重试。',
  unknown_parameter: '请求中有无法识别的参数，请移除或更正其名称。',
  streaming_not_supported: '此接口一次性应答，不支持流式输出。请去掉 stream。',
  audio_url_invalid: '无法读取音频 URL，请更正。',
  audio_url_not_allowed: '不允许访问该音频 URL 的地址。请使用公开的 http 或 https URL。',
  missing_authorization: '未提供密钥。请发送 Authorization: Bearer KEY 或 x-api-key: KEY。',
  invalid_api_key: '密钥无效：未知、已吊销或已过期。',
  wholesale_key_required: '此接口需要批发密钥（esw_…）；控制台密钥不能转写。',
  session_required: '请先登录。',
  login_failed: '电子邮箱或密码不正确。',
  monthly_cap_reached: '将超过此密钥的月度上限。请提高上限或等待重置。',
  insufficient_balance: '此账户余额不足，请充值。',
  model_not_allowed: '此密钥不能使用该模型。',
  ip_not_allowed: '此密钥不能从该地址使用。',
  role_not_allowed: '您的角色不允许此操作。',
  cross_site_request: '请求来自其他网站，已被拒绝。',
  model_not_found: '没有这个模型。',
  not_found: '此地址没有内容，或链接已失效。',
  method_not_allowed: '此地址不接受该方法。',
  idempotency_in_progress: '使用此 Idempotency-Key 的调用仍在进行，请稍后重试。',
  conflict: '与当前状态冲突，无法执行此操作。',
  job_not_cancelable: '任务已经结束，无法取消。',
  body_too_large: '请求过大。',
  audio_too_large: '音频文件过大。',
  unsupported_media_type: '请求的 Content-Type 不被接受，请发送 application/json。',
  unsupported_audio_format: '不支持该音频格式。',
  audio_download_failed: '无法下载音频，请检查 URL。',
  audio_download_timeout: '下载音频超时。',
  audio_not_decodable: '音频已损坏，无法解码。',
  no_audio_stream: '文件中没有音频。',
  audio_too_long: '音频过长。',
  idempotency_key_reused: '此 Idempotency-Key 已用于另一个请求，请为每个请求使用新的值。',
  rate_limited: '请求过于频繁，请稍候重试。',
  concurrency_limited: '并发请求过多，请稍候重试。',
  internal_error: '服务器内部错误，请稍后重试。',
  engine_failed: '引擎出错，请重试。',
  overloaded: '服务器繁忙，请稍后重试。',
  engine_unavailable: '当前没有可用的引擎，请稍后重试。',
  shutting_down: '服务器正在关闭，请稍后重试。',
  engine_timeout: '引擎超时，请重试。',
  unreachable: '无法连接服务器。请检查服务器是否运行以及网络是否正常，然后重试。',
  unreadable: '服务器应答 {status}，无法读取。请稍后重试。',
};

/** What the server says more exactly than its code does. */
const MESSAGES: Readonly<Record<string, string>> = {
  'The thing was changed meanwhile. Load it again and repeat.': '状态已改变，无法执行此操作。请刷新后重试。',
  'There is a user with this e-mail address already. "earshot user link", or the page of users, gives them another link.':
    '已有用户使用此电子邮箱。可在用户页面或用 earshot user link 为其生成新链接。',
  'You cannot remove yourself. Let another operator do it.': '不能移除自己，请让另一位运营者来操作。',
  'The key has ended; create a new one.': '此密钥已失效，请创建新密钥。',
  'The secret of this account has been shown already. Make a new one with --rotate.':
    '此账户的签名密钥已显示过，请轮换以生成新的密钥。',
  'This link is unknown, was used already, or has expired. Ask whoever gave it to you for a new one: "earshot user link" makes it.':
    '此链接未知、已被使用或已过期。请向给您链接的人索取新链接。',
  'An operator sees every account and belongs to none. Leave the account out.': '运营者不属于任何账户，请勿选择账户。',
  'An owner or a viewer belongs to an account. Name it.': '所有者和查看者属于某个账户，请选择账户。',
  'The date of a contract must not have passed: calls since then have been charged already.':
    '合同的日期不能早于现在：此后的调用已经计费。',
  'The date of a price must not have passed.': '价格的日期不能早于现在。',
  'A tier gives less than the discount below it; discounts never fall as spend rises.':
    '某一阶梯的折扣低于前一档；折扣不得随消费增加而降低。',
  'The balance would be too large.': '余额将过大。',
  'Send either a file or the URL of one.': '请发送文件或其 URL，二者选一。',
};

const WARNINGS: Readonly<Record<Warning['code'], string>> = {
  stand_in_engine: '此模型没有配置引擎，由另一个引擎代为应答。',
  audio_damaged: '部分音频已损坏或被截断，无法解码，因此缺少相应文本。',
  text_suspect: '某段文本可能不正确，请对照音频核对。',
  timestamps_from_speech_regions: '引擎未给出时间，时间取自检测到的语音位置，仅为近似值。',
  prompt_not_supported: '引擎不接受提示文本，已忽略。',
  hotwords_not_supported: '引擎不接受热词，已忽略。',
  hotwords_untrained: '引擎未针对热词训练；热词已放入其指令中。',
  language_not_supported: '引擎不支持该语言。',
  parameter_not_supported: '有一个字段无法支持。',
  parameter_unknown: '有一个未知字段，已忽略。',
};

/** For a refusal that says for how long. */
const WAIT = '尝试过于频繁，请等待 {seconds} 秒后重试。';

export default { codes: CODES, messages: MESSAGES, wait: WAIT, warnings: WARNINGS } as const;
