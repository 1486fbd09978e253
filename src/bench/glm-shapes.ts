/** The tensors of the published checkpoint. */
export function fullSizeShapes(): readonly (readonly [string, readonly number[]])[] {
  const [heard, wide, hidden, gate, shared, vocabulary] = [1280, 5120, 2048, 6144, 512, 59_264];
  const shapes: [string, number[]][] = [
    ['audio_tower.conv1.weight', [heard, 128, 3]],
    ['audio_tower.conv1.bias', [heard]],
    ['audio_tower.conv2.weight', [heard, heard, 3]],
    ['audio_tower.conv2.bias', [heard]],
    ['audio_tower.norm.weight', [heard]],
    ['audio_tower.norm.bias', [heard]],
    ['multi_modal_projector.linear_1.weight', [4096, 4 * heard]],
    ['multi_modal_projector.linear_1.bias', [4096]],
    ['multi_modal_projector.linear_2.weight', [hidden, 4096]],
    ['multi_modal_projector.linear_2.bias', [hidden]],
    ['language_model.model.embed_tokens.weight', [vocabulary, hidden]],
    ['language_model.model.norm.weight', [hidden]],
    ['language_model.lm_head.weight', [vocabulary, hidden]],
  ];
  for (let layer = 0; layer < 32; layer += 1) {
    const prefix = `audio_tower.layers.${layer}.`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      shapes.push([`${prefix}${norm}.weight`, [heard]], [`${prefix}${norm}.bias`, [heard]]);
    for (const part of ['q', 'k', 'v', 'o']) shapes.push([`${prefix}self_attn.${part}_proj.weight`, [heard, heard]]);
    for (const part of ['q', 'v', 'o']) shapes.push([`${prefix}self_attn.${part}_proj.bias`, [heard]]);
    shapes.push([`${prefix}mlp.fc1.weight`, [wide, heard]], [`${prefix}mlp.fc1.bias`, [wide]]);
    shapes.push([`${prefix}mlp.fc2.weight`, [heard, wide]], [`${prefix}mlp.fc2.bias`, [heard]]);
  }
  for (let layer = 0; layer < 28; layer += 1) {
    const prefix = `language_model.model.layers.${layer}.`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm'])
      shapes.push([`${prefix}${norm}.weight`, [hidden]]);
    for (const part of ['q', 'o']) shapes.push([`${prefix}self_attn.${part}_proj.weight`, [hidden, hidden]]);
    for (const part of ['k', 'v']) shapes.push([`${prefix}self_attn.${part}_proj.weight`, [shared, hidden]]);
    for (const part of ['gate', 'up']) shapes.push([`${prefix}mlp.${part}_proj.weight`, [gate, hidden]]);
    shapes.push([`${prefix}mlp.down_proj.weight`, [hidden, gate]]);
  }
  return shapes;
}
