"""Every TensorDict key of a batch, once.

``B`` is the batch size of an update, ``*O`` the observation's shape. A batch is a TensorDict
``[U, B]``: the U updates that a chunk of new frames calls for. The replay buffer samples it, callbacks
add the ``("expert", …)`` entries before ``training_step`` and read the outputs after it. Shapes below
are those of one update.
"""

# The agent's own transition: written by the stream.
OBSERVATION = "observation"  #                          [B, *O] as the environment gives it
ACTION = "action"  #                                    [B] int64
NEXT_OBSERVATION = ("next", "observation")  #           [B, *O]
REWARD = ("next", "reward")  #                          [B] float32
TERMINATED = ("next", "terminated")  #                  [B] bool: the next state has no value

# Written by the replay buffer when it samples.
INDEX = "index"  #                                      [B] int64, position in the buffer
PRIORITY_WEIGHT = "priority_weight"  #                  [B] float32 in (0, 1], importance weight

# The expert's side: written by callbacks before the update.
EXPERT = "expert"
EXPERT_INDEX = (EXPERT, "index")  #                     [B] int64, transition in the expert dataset
EXPERT_OBSERVATION = (EXPERT, "observation")  #         [B, *O]
EXPERT_NEXT_OBSERVATION = (EXPERT, "next_observation")  # [B, *O]
EXPERT_ACTION = (EXPERT, "action")  #                   [B] int64, inferred
EXPERT_REWARD = (EXPERT, "reward")  #                   [B] float32, inferred
EXPERT_DISCOUNT = (EXPERT, "discount")  #               [B] float32, γ to the power of the steps to next_observation
EXPERT_TERMINATED = (EXPERT, "terminated")  #           [B] bool, inferred
EXPERT_CERTAINTY = (EXPERT, "inference_confidence")  #  [B] float32 in [0, 1], ζ of the inferred action
EXPERT_RETURN = (EXPERT, "return")  #                   [B] float32, inferred discounted return G_e from s_e on
EXPERT_LEAD = (EXPERT, "lead")  #                       [B] float32, the expert's lead in return, all alike
EXPERT_COUNT = (EXPERT, "count")  #                     [B] float32, visits c of the expert state
EXPERT_VALID = (EXPERT, "valid")  #                     [B] bool: there is guidance for this sample
EXPERT_HELD_OUT = (EXPERT, "held_out")  #               [B] bool: no imitation term learns from it
EXPERT_BRIDGED = (EXPERT, "bridged")  #                 [B] bool: observation, action and outcome are a bridge's step
EXPERT_FIRST_STEP = (EXPERT, "first_step")  #           [B] int64, of a bridge's steps those from here on may guide
EXPERT_LAST_STEP = (EXPERT, "last_step")  #             [B] int64, and those up to here
EXPERT_LONGER = (EXPERT, "longer")  #                   what a longer TD target is made of, for augmented backups

# Written by ``training_step``, before the first update for all updates at once.
TARGET = "target"  #                                    [B] float32, of the agent's transition
EXPERT_TARGET = (EXPERT, "target")  #                   [B] float32, of the expert's transition
EXPERT_POTENTIAL = (EXPERT, "potential")  #             [B] float32, w · V_E(s_e), where targets are shaped

# Written by ``training_step``, by each update.
TD_ERROR = "td_error"  #                                [B] float32, |δ|: the new priority
EXPERT_WEIGHT = (EXPERT, "weight")  #                   [B] float32 in [0, 1], the confidence Φ
EXPERT_AGREES = (EXPERT, "agrees")  #                   [B] bool: the agent would take the inferred action

# Stored in the replay beside a frame, by the action inference callback where the labeller asks for it.
BEHAVIOUR_PROBABILITY = "behaviour_probability"  #      [B] float32 in (0, 1], π_b(a | s) when it was taken

EPISODE_STEP = "episode_step"  #                        [B] int64, steps of its episode before this one
HISTORY = "history"  #                                  [B, H, *O], states before s, the oldest first (see labeller)

# Stored in the replay beside a frame, by the feasibility callback.
NODE, NEXT_NODE = "node", "next_node"  #                [B] int64, states with the same number count as the same

# Stored in the replay beside a frame, by the expert sampling callback.
NEIGHBOURS = "neighbours"  #                            [B, K] int32, nearest expert states; -1: none

# Stored in the replay beside a frame, by the expert distance callback.
EXPERT_DISTANCE = "expert_distance"  #                  [B] float32, to the nearest expert transition
